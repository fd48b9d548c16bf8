//! What if two protocols of an actor are called alike?

use foundation::prelude::*;

mod paint {
    use foundation::prelude::*;

    #[protocol]
    pub(crate) trait Shape {
        #[call]
        fn color(&self) -> u32;

        #[call]
        fn size(&self) -> u32;
    }
}

mod plan {
    use foundation::prelude::*;

    #[protocol]
    pub(crate) trait Shape {
        #[call]
        fn size(&self) -> u64;
    }
}

struct Square;

impl paint::Shape for Square {
    fn color(&self) -> u32 {
        0
    }

    fn size(&self) -> u32 {
        1
    }
}

impl plan::Shape for Square {
    fn size(&self) -> u64 {
        1
    }
}

#[actor(protocol(paint::Shape, plan::Shape))]
impl Square {}

fn main() {}
