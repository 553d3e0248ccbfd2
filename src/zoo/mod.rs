//! Zoos.
