//! The order in which cached files leave: a segmented LRU.
//!
//! A newcomer stands on trial. Who is asked for again, from its beginning, is kept. Those on trial leave first, the one
//! that was used longest ago before the others, and only then those that are kept. So one pass of a backup, which asks
//! for everything once, pushes out what only it brought in.
//!
//! "From its beginning" is what tells a second visit from the many reads of the first one.

use lru::LruCache;

/// Whether a file has proven itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    Trial,
    Kept,
}

/// Names in the order of their leaving, each with a value and its bytes.
pub(super) struct Shelf<K: std::hash::Hash + Eq + Copy, V> {
    trial: LruCache<K, (u64, V)>,
    kept: LruCache<K, (u64, V)>,
    kept_bytes: u64,
    /// What the kept ones may take together; the one used longest ago goes on trial again where there are more.
    kept_max_bytes: u64,
}

impl<K: std::hash::Hash + Eq + Copy, V> Shelf<K, V> {
    pub(super) fn new(kept_max_bytes: u64) -> Shelf<K, V> {
        Shelf {
            trial: LruCache::unbounded(),
            kept: LruCache::unbounded(),
            kept_bytes: 0,
            kept_max_bytes,
        }
    }

    /// Puts a newcomer at the far end. Gives back what had its name before.
    pub(super) fn insert(&mut self, name: K, bytes: u64, value: V, rank: Rank) -> Option<V> {
        let before = self.remove(&name);
        self.trial.put(name, (bytes, value));
        if rank == Rank::Kept {
            self.promote(name);
        }
        before
    }

    /// Notes a use and gives the value. `again` is a visit from the beginning. The names that changed their rank are
    /// put into `moved`.
    pub(super) fn touch(
        &mut self,
        name: &K,
        again: bool,
        moved: &mut Vec<(K, Rank)>,
    ) -> Option<&V> {
        if again && self.trial.contains(name) {
            moved.push((*name, Rank::Kept));
            moved.extend(
                self.promote(*name)
                    .into_iter()
                    .map(|name| (name, Rank::Trial)),
            );
        }
        self.kept
            .get(name)
            .or_else(|| self.trial.get(name))
            .map(|(_, value)| value)
    }

    /// Who has to leave next.
    pub(super) fn pop(&mut self) -> Option<(K, u64, V)> {
        if let Some((name, (bytes, value))) = self.trial.pop_lru() {
            return Some((name, bytes, value));
        }
        let (name, (bytes, value)) = self.kept.pop_lru()?;
        self.kept_bytes -= bytes;
        Some((name, bytes, value))
    }

    pub(super) fn remove(&mut self, name: &K) -> Option<V> {
        if let Some((bytes, value)) = self.kept.pop(name) {
            self.kept_bytes -= bytes;
            return Some(value);
        }
        self.trial.pop(name).map(|(_, value)| value)
    }

    pub(super) fn contains(&self, name: &K) -> bool {
        self.trial.contains(name) || self.kept.contains(name)
    }

    /// Moves a name among the kept, and as many others back on trial as that takes.
    fn promote(&mut self, name: K) -> Vec<K> {
        let Some((bytes, value)) = self.trial.pop(&name) else {
            return Vec::new();
        };
        self.kept.put(name, (bytes, value));
        self.kept_bytes += bytes;
        let mut back = Vec::new();
        while self.kept_bytes > self.kept_max_bytes
            && let Some((name, (bytes, value))) = self.kept.pop_lru()
        {
            self.kept_bytes -= bytes;
            self.trial.put(name, (bytes, value));
            back.push(name);
        }
        back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaving(mut shelf: Shelf<u32, ()>) -> Vec<u32> {
        std::iter::from_fn(|| shelf.pop().map(|(name, ..)| name)).collect()
    }

    #[test]
    fn one_pass_does_not_push_out_what_is_visited_again() {
        let (mut shelf, mut moved) = (Shelf::new(80), Vec::new());
        shelf.insert(1, 10, (), Rank::Trial);
        assert!(shelf.touch(&1, false, &mut moved).is_some());
        assert!(moved.is_empty());
        assert!(shelf.touch(&1, true, &mut moved).is_some());
        assert_eq!(moved, [(1, Rank::Kept)]);
        for name in 2..6 {
            shelf.insert(name, 10, (), Rank::Trial);
        }
        assert_eq!(leaving(shelf), [2, 3, 4, 5, 1]);
    }

    #[test]
    fn too_many_kept_send_the_oldest_back_on_trial() {
        let (mut shelf, mut moved) = (Shelf::new(20), Vec::new());
        for name in 1..4 {
            shelf.insert(name, 10, (), Rank::Kept);
        }
        assert_eq!(
            (shelf.kept_bytes, shelf.kept.len(), shelf.trial.len()),
            (20, 2, 1)
        );
        shelf.touch(&1, true, &mut moved);
        assert_eq!(moved, [(1, Rank::Kept), (2, Rank::Trial)]);
        assert_eq!(leaving(shelf), [2, 3, 1]);
    }

    #[test]
    fn bytes_add_up_after_anything() {
        let (mut shelf, mut moved) = (Shelf::new(30), Vec::new());
        for step in 0..2000u32 {
            let name = step.wrapping_mul(2_654_435_761) >> 28;
            match step % 5 {
                0 | 1 => drop(shelf.insert(name, u64::from(name), (), Rank::Trial)),
                2 | 3 => drop(shelf.touch(&name, true, &mut moved)),
                _ => drop(shelf.remove(&name)),
            }
            let sum: u64 = shelf.kept.iter().map(|(_, (bytes, ()))| bytes).sum();
            assert_eq!(sum, shelf.kept_bytes);
            assert!(sum <= 30);
        }
    }
}
