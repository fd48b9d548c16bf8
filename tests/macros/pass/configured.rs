//! Does everything that is generated for a method go with it when `#[cfg]` removes it?
#![deny(unused, warnings)]
#![allow(unexpected_cfgs)]

use foundation::prelude::*;

pub struct Feature<T>(T);

#[actor]
impl<T: Send + Sync + Clone + 'static> Feature<T> {
    #[cfg(absent)]
    #[call]
    fn gone(&self, value: Absent) -> Absent {
        value
    }
    #[cfg(absent)]
    #[cast(local)]
    fn also_gone(&mut self, value: T) {
        self.0 = value;
    }
    #[cfg(absent)]
    #[down]
    fn down(&mut self, absent: Absent) {}
    #[cfg(not(absent))]
    #[call]
    fn here(&self) -> u8 {
        let _ = self.0.clone();
        1
    }
    #[deprecated(note = "use `here`")]
    #[call]
    fn old(&self) {}
}

fn main() {
    let _ = |feature: Ref<Feature<u8>>| drop(feature.here());
}
