//! A map that remembers insertion order, as Python's dict does. Removal leaves a hole that is
//! swept when holes prevail, so that every operation stays constant on average.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// An insertion-ordered map.
#[derive(Debug, Clone)]
pub(crate) struct OrderedMap<K, V> {
    entries: Vec<Option<(K, V)>>,
    index: HashMap<K, usize>,
}

impl<K, V> Default for OrderedMap<K, V> {
    fn default() -> Self {
        OrderedMap { entries: Vec::new(), index: HashMap::new() }
    }
}

impl<K: Hash + Eq + Clone, V> OrderedMap<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    pub(crate) fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let &position = self.index.get(key)?;
        self.entries.get(position)?.as_ref().map(|(_, value)| value)
    }

    pub(crate) fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.index.contains_key(key)
    }

    /// Inserts or replaces; a replaced entry keeps its place.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        if let Some(&position) = self.index.get(&key) {
            if let Some(slot) = self.entries.get_mut(position) {
                *slot = Some((key, value));
            }
            return;
        }
        self.index.insert(key.clone(), self.entries.len());
        self.entries.push(Some((key, value)));
    }

    pub(crate) fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let position = self.index.remove(key)?;
        let entry = self.entries.get_mut(position)?.take();
        if self.entries.len() > 16 && self.entries.len() > 2 * self.index.len() {
            self.sweep();
        }
        entry.map(|(_, value)| value)
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.index.clear();
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.entries.iter().flatten().map(|(key, value)| (key, value))
    }

    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    pub(crate) fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    fn sweep(&mut self) {
        self.entries.retain(Option::is_some);
        let live = self.entries.iter().flatten().enumerate();
        self.index = live.map(|(position, (key, _))| (key.clone(), position)).collect();
    }
}

impl<K: Hash + Eq + Clone, A: Clone, B> OrderedMap<K, (A, B)> {
    /// The first parts of all values.
    pub(crate) fn keys_of(&self) -> Vec<A> {
        self.values().map(|(first, _)| first.clone()).collect()
    }
}
