//! Where accounts were signed in to from: known for as long as this process runs, and not without end.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

/// How many are remembered before the oldest are forgotten: between this and twice as many.
const MOST: usize = 10_000;

/// Two generations: when the younger is full it becomes the elder, and the elder goes.
#[derive(Default)]
pub struct Familiar(Mutex<(HashSet<u64>, HashSet<u64>)>);

impl Familiar {
    pub fn knows(&self, key: u64) -> bool {
        let generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations.0.contains(&key) || generations.1.contains(&key)
    }

    pub fn note(&self, key: u64) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if generations.0.len() >= MOST {
            generations.1 = std::mem::take(&mut generations.0);
        }
        generations.0.insert(key);
    }
}

#[cfg(test)]
mod tests {
    use super::{Familiar, MOST};

    #[test]
    fn the_oldest_are_forgotten() {
        let familiar = Familiar::default();
        for key in 0..3 * MOST as u64 {
            familiar.note(key);
            assert!(familiar.knows(key));
        }
        assert!(!familiar.knows(0));
        assert!(familiar.knows(3 * MOST as u64 - MOST as u64));
    }
}
