//! Large buffers on huge pages, lent and returned.
//!
//! Key switching streams hundreds of megabytes; on 4 KiB pages it is several times slower than on 2 MiB pages. Every row
//! of every polynomial therefore lives in a block of an anonymous mapping that is aligned to 2 MiB and advised as huge,
//! and a block that is dropped goes back to its pool instead of the system.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use memmap2::MmapMut;
use zeroize::Zeroize;

const HUGE: usize = 2 << 20;
/// Below this size a block comes from the ordinary allocator.
const SMALL: usize = 256 << 10;

/// A source of blocks. Cheap to clone; all clones share the same free blocks.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    shelf: Arc<Mutex<Shelf>>,
}

#[derive(Debug, Default)]
struct Shelf {
    /// Free mappings by size in bytes.
    free: BTreeMap<usize, Vec<Mapping>>,
    /// Bytes in free mappings.
    idle: usize,
    /// Bytes lent out.
    lent: usize,
    /// The largest `idle + lent` so far.
    peak: usize,
}

/// How much memory a pool holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes lent out now.
    pub lent: usize,
    /// Bytes kept for later.
    pub idle: usize,
    /// The largest sum of both so far.
    pub peak: usize,
}

/// A run of 64-bit words. Its contents are unspecified when lent; it returns to its pool when dropped.
pub struct Block {
    words: usize,
    memory: Memory,
    home: Option<Pool>,
}

enum Memory {
    Mapped(Mapping),
    Heap(Vec<Line>),
}

/// A cache line, so that the heap aligns rows as mappings do.
#[derive(Clone, Copy, bytemuck::Zeroable, bytemuck::Pod)]
#[repr(C, align(64))]
struct Line([u64; 8]);

#[derive(Debug)]
struct Mapping {
    map: MmapMut,
    /// Where the first 2 MiB boundary lies.
    start: usize,
    bytes: usize,
}

impl Pool {
    /// An empty pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// A block of `words` words with unspecified contents (never another process's, possibly an earlier block's).
    ///
    /// Small blocks come from the heap. If the system refuses a mapping, so does the block.
    pub fn lend(&self, words: usize) -> Block {
        let bytes = words * 8;
        if bytes < SMALL {
            let line = Line([0; 8]);
            return Block { words, memory: Memory::Heap(vec![line; words.div_ceil(8)]), home: None };
        }
        let rounded = bytes.next_multiple_of(HUGE);
        let kept = {
            let mut shelf = self.lock();
            let kept = shelf.take(rounded);
            shelf.lent += kept.as_ref().map_or(rounded, |mapping| mapping.bytes);
            shelf.peak = shelf.peak.max(shelf.idle + shelf.lent);
            kept
        };
        let memory = match kept.or_else(|| Mapping::new(rounded)) {
            Some(mapping) => Memory::Mapped(mapping),
            None => Memory::Heap(vec![Line([0; 8]); words.div_ceil(8)]),
        };
        Block { words, memory, home: Some(self.clone()) }
    }

    /// Gives every idle block back to the system.
    pub fn trim(&self) {
        let mut shelf = self.lock();
        shelf.free.clear();
        shelf.idle = 0;
    }

    /// How much memory the pool holds.
    pub fn usage(&self) -> Usage {
        let shelf = self.lock();
        Usage { lent: shelf.lent, idle: shelf.idle, peak: shelf.peak }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shelf> {
        // A panic elsewhere cannot leave the shelf half-changed: its updates are plain arithmetic and a push.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    /// The smallest free mapping of these bytes, or of up to twice as many.
    ///
    /// Polynomials lose rows as levels are spent: if each size were kept for itself, a deep program would hold the blocks of all
    /// of its levels.
    fn take(&mut self, bytes: usize) -> Option<Mapping> {
        let (&size, mappings) = self.free.range_mut(bytes..=2 * bytes).next()?;
        let mapping = mappings.pop()?;
        if mappings.is_empty() {
            self.free.remove(&size);
        }
        self.idle -= size;
        Some(mapping)
    }
}

impl Mapping {
    fn new(bytes: usize) -> Option<Self> {
        let map = MmapMut::map_anon(bytes + HUGE).ok()?;
        #[cfg(target_os = "linux")]
        // Advice may be refused (a kernel without huge pages); the mapping works all the same.
        let _ = map.advise(memmap2::Advice::HugePage);
        let start = map.as_ptr().align_offset(HUGE);
        Some(Self { map, start, bytes })
    }

    fn words(&self, words: usize) -> &[u64] {
        bytemuck::cast_slice(&self.map[self.start..self.start + words * 8])
    }

    fn words_mut(&mut self, words: usize) -> &mut [u64] {
        bytemuck::cast_slice_mut(&mut self.map[self.start..self.start + words * 8])
    }
}

impl Deref for Block {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        match &self.memory {
            Memory::Mapped(mapping) => mapping.words(self.words),
            Memory::Heap(lines) => &bytemuck::cast_slice(lines)[..self.words],
        }
    }
}

impl DerefMut for Block {
    fn deref_mut(&mut self) -> &mut [u64] {
        match &mut self.memory {
            Memory::Mapped(mapping) => mapping.words_mut(self.words),
            Memory::Heap(lines) => &mut bytemuck::cast_slice_mut(lines)[..self.words],
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let Some(home) = self.home.take() else { return };
        let mut shelf = home.lock();
        match std::mem::replace(&mut self.memory, Memory::Heap(Vec::new())) {
            Memory::Mapped(mapping) => {
                shelf.lent -= mapping.bytes;
                shelf.idle += mapping.bytes;
                shelf.free.entry(mapping.bytes).or_default().push(mapping);
            }
            // The system refused a mapping.
            Memory::Heap(_) => shelf.lent -= (self.words * 8).next_multiple_of(HUGE),
        }
    }
}

impl Zeroize for Block {
    fn zeroize(&mut self) {
        self.deref_mut().zeroize();
    }
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Contents may be secret.
        f.debug_struct("Block").field("words", &self.words).finish_non_exhaustive()
    }
}
