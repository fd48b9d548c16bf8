//! How is a value written?
//!
//! Role       Values behind the head of a message.

use super::{LIST_MAX, VERSION};
use crate::overlay::PeerId;

pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn begin(protocol: u8, kind: u8) -> Self {
        Self(vec![VERSION, protocol, kind])
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn flag(&mut self, value: bool) {
        self.u8(value.into());
    }

    pub(super) fn peer(&mut self, peer: PeerId) {
        self.u64(peer.0);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.u64(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn list<T>(&mut self, list: &[T], mut one: impl FnMut(&mut Self, &T)) {
        assert!(list.len() <= LIST_MAX, "{} entries in a list", list.len());
        self.u16(list.len() as u16);
        for entry in list {
            one(self, entry);
        }
    }
}
