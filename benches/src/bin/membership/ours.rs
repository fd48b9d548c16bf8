//! How is our membership measured?
//!
//! Role       [`Protocol`] for [`Membership`].

use foundation::cluster::membership::{Address, Config, Effect, Event, Input, Membership, Name};

use crate::protocol::{Protocol, address};

impl Protocol for Membership {
    fn join() -> Input {
        Input::Join(vec![Address::new(&address(0)).expect("it is short")])
    }

    fn live(&self) -> usize {
        self.live_count()
    }

    fn failed(effect: &Effect) -> Option<usize> {
        match effect {
            Effect::Tell(Event::Failed(record)) => record.name.as_str().get(4..)?.parse().ok(),
            _ => None,
        }
    }

    fn suspected(effect: &Effect) -> Option<usize> {
        match effect {
            Effect::Tell(Event::Suspected(record)) => record.name.as_str().get(4..)?.parse().ok(),
            _ => None,
        }
    }
}

/// The machine of a host.
pub(crate) fn make(config: Config) -> impl Fn(usize, u64) -> Membership {
    move |host, seed| {
        let name = Name::new(&format!("node{host}")).expect("it is short");
        let address = Address::new(&address(host)).expect("it is short");
        Membership::new(config.clone(), name, 1, address, seed).expect("a good configuration")
    }
}
