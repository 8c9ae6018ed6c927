//! Keys of `tfhe`, and what is counted while it works.

use tfhe::integer::prelude::*;
use tfhe::integer::{BooleanBlock, ClientKey, RadixCiphertext, ServerKey};
use tfhe::shortint;
use tfhe::shortint::atomic_pattern::AtomicPatternServerKey;
use tfhe::shortint::parameters::PARAM_MESSAGE_2_CARRY_2_KS32_PBS_TUNIFORM_2M128;

use super::part::Counted;
use super::{Measured, Task, Watch, steps};
use crate::Error;

/// Keys of bit-wise TFHE, and the threads that it may use.
///
/// `tfhe` draws its randomness from the system: results are the same on every run, ciphertexts are not.
pub struct Baseline {
    client: ClientKey,
    server: ServerKey,
    pool: rayon::ThreadPool,
}

impl Baseline {
    /// Makes keys, in a second or two; 0 threads are as many as there are cores.
    pub fn new(threads: usize) -> Result<Self, Error> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().map_err(|_| Error::Threads { threads })?;
        let (client, server) = pool.install(|| {
            let client = ClientKey::new(PARAM_MESSAGE_2_CARRY_2_KS32_PBS_TUNIFORM_2M128);
            let server = ServerKey::new_radix_server_key(&client);
            (client, server)
        });
        Ok(Self { client, server, pool })
    }

    /// Measures a task on its first `at_most` units, and scales the time to all of them.
    ///
    /// The least is one, of an array two and of a graph three. **Cost:** 14 ms or more of one core for each bootstrap. **Errors:** only [`Error::Stopped`].
    pub fn measure<'a>(&'a self, task: &Task, at_most: usize, watch: Watch<'a>) -> Result<Measured, Error> {
        let part = task.first(at_most);
        let mut machine =
            Machine { keys: self, of: part.steps(), done: 0, counted: Counted::default(), watch };
        let answer = self.pool.install(|| steps::run(task, &part, &mut machine))?;
        Ok(machine.counted.report(task, &part, &answer))
    }

    /// Bytes of the evaluation keys in memory.
    pub fn key_bytes(&self) -> u64 {
        let key: &shortint::ServerKey = self.server.as_ref();
        let bytes = match &key.atomic_pattern {
            AtomicPatternServerKey::KeySwitch32(keys) => {
                keys.bootstrapping_key.bootstrapping_key_size_bytes()
                    + size_of_val(keys.key_switching_key.as_ref())
            }
            // The parameters above are of the other kind.
            AtomicPatternServerKey::Standard(_) | AtomicPatternServerKey::Dynamic(_) => 0,
        };
        bytes as u64
    }
}

/// One measurement: encrypts, lets steps run under the clock, decrypts.
pub(super) struct Machine<'a> {
    keys: &'a Baseline,
    of: usize,
    done: usize,
    counted: Counted,
    watch: Watch<'a>,
}

impl Machine<'_> {
    /// Encrypts a number of so many bits.
    pub fn hide(&mut self, value: u64, bits: u32) -> RadixCiphertext {
        let hidden = self.keys.client.encrypt_radix(value, blocks(bits));
        self.counted.sent += bytes(&hidden);
        hidden
    }

    /// Decrypts a number.
    pub fn show(&mut self, hidden: &RadixCiphertext) -> u64 {
        self.counted.returned += bytes(hidden);
        self.keys.client.decrypt_radix(hidden)
    }

    /// Decrypts a bit.
    pub fn show_bit(&mut self, hidden: &BooleanBlock) -> u64 {
        self.counted.returned += block_bytes(hidden.as_ref());
        u64::from(self.keys.client.decrypt_bool(hidden))
    }

    /// Computes under the clock.
    pub fn step<T>(&mut self, work: impl FnOnce(&ServerKey) -> T) -> Result<T, Error> {
        let value = self.timed(work);
        self.done += 1;
        if (self.watch.step)(self.done, self.of) { Ok(value) } else { Err(Error::Stopped) }
    }

    /// The same for what comes once, after the steps.
    pub fn timed<T>(&mut self, work: impl FnOnce(&ServerKey) -> T) -> T {
        let (start, before) = ((self.watch.clock)(), tfhe::get_pbs_count());
        let value = work(&self.keys.server);
        self.counted.spent += (self.watch.clock)().saturating_sub(start);
        self.counted.bootstraps += tfhe::get_pbs_count().saturating_sub(before);
        value
    }
}

/// Ciphertexts that hold so many bits, two in each.
pub(super) fn blocks(bits: u32) -> usize {
    bits.div_ceil(2) as usize
}

fn bytes(number: &RadixCiphertext) -> u64 {
    number.blocks().iter().map(block_bytes).sum()
}

fn block_bytes(block: &shortint::Ciphertext) -> u64 {
    size_of_val(block.ct.as_ref()) as u64
}
