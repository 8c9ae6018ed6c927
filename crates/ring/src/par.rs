//! Parallel loops over rows, or plain ones.

/// Calls `f` on each item, in parallel when more than one thread is there.
#[cfg(feature = "parallel")]
pub fn each<T: Send>(items: Vec<T>, f: impl Fn(T) + Send + Sync) {
    use rayon::prelude::*;
    if rayon::current_num_threads() == 1 || items.len() == 1 {
        items.into_iter().for_each(f);
    } else {
        items.into_par_iter().with_max_len(1).for_each(f);
    }
}

/// Calls `f` on each item.
#[cfg(not(feature = "parallel"))]
pub fn each<T: Send>(items: Vec<T>, f: impl Fn(T) + Send + Sync) {
    items.into_iter().for_each(f);
}

/// Maps each item, in order, in parallel when more than one thread is there.
#[cfg(feature = "parallel")]
pub fn map<T: Send, U: Send>(items: Vec<T>, f: impl Fn(T) -> U + Send + Sync) -> Vec<U> {
    use rayon::prelude::*;
    if rayon::current_num_threads() == 1 || items.len() == 1 {
        items.into_iter().map(f).collect()
    } else {
        items.into_par_iter().with_max_len(1).map(f).collect()
    }
}

/// Maps each item, in order.
#[cfg(not(feature = "parallel"))]
pub fn map<T: Send, U: Send>(items: Vec<T>, f: impl Fn(T) -> U + Send + Sync) -> Vec<U> {
    items.into_iter().map(f).collect()
}

/// Threads that loops run on.
pub fn threads() -> usize {
    #[cfg(feature = "parallel")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "parallel"))]
    return 1;
}
