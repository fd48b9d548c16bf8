//! Does an arena keep what it is given, and nothing beyond its limit?
//!
//! Role       A seeded walk beside a model, and the cases of each refusal.

use std::collections::BTreeMap;

use foundation_runtime::Rng;
use foundation_runtime::heap::{Arena, ArenaError, Id};

#[derive(Clone, Copy, Debug, PartialEq)]
struct Record {
    id: u64,
    small: u8,
    text: Option<Id<str>>,
}

/// Alignment beyond what allocators give by themselves.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(64))]
struct Wide(u8);

#[derive(Clone, Copy)]
enum Handle {
    Text(Id<str>),
    Numbers(Id<[u32]>),
    Record(Id<Record>),
    Wide(Id<Wide>),
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Text(String),
    Numbers(Vec<u32>),
    Record(Record),
    Wide(Wide),
}

fn value(rng: &mut Rng) -> Value {
    let length = rng.below(40);
    match rng.below(4) {
        0 => Value::Text("é".repeat(length)),
        1 => Value::Numbers((0..length as u32).collect()),
        2 => Value::Record(Record {
            id: rng.below(1000) as u64,
            small: 7,
            text: None,
        }),
        _ => Value::Wide(Wide(length as u8)),
    }
}

fn insert(arena: &mut Arena, value: &Value) -> Result<Handle, ArenaError> {
    Ok(match value {
        Value::Text(text) => Handle::Text(arena.try_insert(text.as_str())?),
        Value::Numbers(numbers) => Handle::Numbers(arena.try_insert(&numbers[..])?),
        Value::Record(record) => Handle::Record(arena.try_insert(record)?),
        Value::Wide(wide) => Handle::Wide(arena.try_insert(wide)?),
    })
}

fn get(arena: &Arena, handle: Handle) -> Option<Value> {
    match handle {
        Handle::Text(id) => arena.get(id).map(|text| Value::Text(text.to_owned())),
        Handle::Numbers(id) => arena
            .get(id)
            .map(|numbers| Value::Numbers(numbers.to_vec())),
        Handle::Record(id) => arena.get(id).copied().map(Value::Record),
        Handle::Wide(id) => {
            let wide = arena.get(id)?;
            assert_eq!(std::ptr::from_ref(wide).addr() % 64, 0);
            Some(Value::Wide(*wide))
        }
    }
}

fn remove(arena: &mut Arena, handle: Handle) -> bool {
    match handle {
        Handle::Text(id) => arena.remove(id),
        Handle::Numbers(id) => arena.remove(id),
        Handle::Record(id) => arena.remove(id),
        Handle::Wide(id) => arena.remove(id),
    }
}

/// Replaces by a value of the same type: says what is there then.
fn replace(arena: &mut Arena, handle: Handle, rng: &mut Rng) -> Result<Value, ArenaError> {
    let length = rng.below(40);
    Ok(match handle {
        Handle::Text(id) => {
            let text = "x".repeat(length);
            arena.replace(id, text.as_str())?;
            Value::Text(text)
        }
        Handle::Numbers(id) => {
            let numbers = vec![length as u32; length];
            arena.replace(id, &numbers[..])?;
            Value::Numbers(numbers)
        }
        Handle::Record(id) => {
            let record = arena.get_mut(id).ok_or(ArenaError::Gone)?;
            record.id += 1;
            Value::Record(*record)
        }
        Handle::Wide(id) => {
            arena.replace(id, &Wide(length as u8))?;
            Value::Wide(Wide(length as u8))
        }
    })
}

/// An arena, and what must be in it.
struct Walk {
    rng: Rng,
    arena: Arena,
    model: BTreeMap<u64, (Handle, Value)>,
    gone: Vec<Handle>,
    next: u64,
    refused: u32,
    compacted: u32,
}

impl Walk {
    fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed),
            arena: Arena::with_limit(24 << 10),
            model: BTreeMap::new(),
            gone: Vec::new(),
            next: 0,
            refused: 0,
            compacted: 0,
        }
    }

    fn some(&mut self) -> Option<u64> {
        let at = (!self.model.is_empty()).then(|| self.rng.below(self.model.len()))?;
        self.model.keys().nth(at).copied()
    }

    fn step(&mut self) {
        match self.rng.below(100) {
            0..50 => self.insert(),
            50..75 => self.remove(),
            75..97 => self.replace(),
            _ => self.compact(),
        }
        let usage = self.arena.usage();
        assert!(usage.held <= usage.limit + 8192, "{usage:?}");
        let live = |value: &Value| match value {
            Value::Text(text) => text.len(),
            Value::Numbers(numbers) => 4 * numbers.len(),
            Value::Record(_) => size_of::<Record>(),
            Value::Wide(_) => 64,
        };
        let expected: usize = self.model.values().map(|(_, value)| live(value)).sum();
        assert_eq!((self.arena.len(), usage.live), (self.model.len(), expected));
    }

    fn insert(&mut self) {
        let value = value(&mut self.rng);
        let before = self.arena.usage();
        match insert(&mut self.arena, &value) {
            Ok(handle) => {
                self.model.insert(self.next, (handle, value));
                self.next += 1;
            }
            Err(ArenaError::Full(usage)) => {
                assert_eq!((usage.live, usage.holes), (before.live, before.holes));
                self.refused += 1;
                self.remove();
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn remove(&mut self) {
        if let Some(key) = self.some() {
            let (handle, _) = self.model.remove(&key).expect("it is there");
            assert!(remove(&mut self.arena, handle));
            self.gone.push(handle);
        }
    }

    fn replace(&mut self) {
        if let Some(key) = self.some() {
            let entry = self.model.get_mut(&key).expect("it is there");
            if let Ok(new) = replace(&mut self.arena, entry.0, &mut self.rng) {
                entry.1 = new;
            }
        }
    }

    fn compact(&mut self) {
        let before = self.arena.usage();
        let done = self.arena.compact().expect("there is memory");
        assert_eq!(done.before, before.held);
        let after = self.arena.usage();
        assert_eq!((after.live, after.holes), (before.live, 0));
        self.compacted += 1;
    }
}

#[test]
fn a_walk_beside_a_model() {
    for seed in 0..40 {
        let mut walk = Walk::new(seed);
        for _ in 0..1500 {
            walk.step();
        }
        for (handle, value) in walk.model.values() {
            let found = get(&walk.arena, *handle);
            assert_eq!(found.as_ref(), Some(value), "seed {seed}");
        }
        for handle in walk.gone {
            assert_eq!(get(&walk.arena, handle), None, "seed {seed}");
            assert!(!remove(&mut walk.arena, handle));
        }
        assert!(walk.refused > 0 && walk.compacted > 0, "seed {seed}");
    }
}

#[test]
fn the_limit_is_hard() {
    let mut arena = Arena::with_limit(10_000);
    let mut count = 0;
    let error = loop {
        match arena.try_insert(&[count as u8; 100][..]) {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
        assert!(arena.usage().held <= 10_000);
    };
    let ArenaError::Full(usage) = error else {
        panic!("{error}");
    };
    assert!(
        count >= 40 && usage.live == 100 * count,
        "{count} {usage:?}"
    );
    assert!(error.to_string().contains("of 10000 bytes"), "{error}");
    // Nothing fits into nothing.
    assert!(matches!(
        Arena::with_limit(0).try_insert("a"),
        Err(ArenaError::Full(_))
    ));
    let vast = vec![0_u8; 1 << 28];
    let refused = Arena::with_limit(usize::MAX).try_insert(&vast[..]);
    assert_eq!(refused, Err(ArenaError::TooLarge(1 << 28)));
}

#[test]
fn a_handle_of_another_type_or_arena_leads_to_no_other_value() {
    let (mut one, mut other) = (Arena::with_limit(1 << 16), Arena::with_limit(1 << 16));
    let text = one.insert("text");
    let number = other.insert(&7_u64);
    assert_eq!((other.get(text), one.get(number)), (None, None));
    assert_eq!(other.replace(text, "longer text"), Err(ArenaError::Gone));
    assert!(!other.remove(text));
    // The slot is used again, and the old handle is not.
    assert!(one.remove(text));
    let again = one.insert("again");
    assert_eq!((one.get(text), one.get(again)), (None, Some("again")));
    assert_ne!(text, again);
}

#[test]
fn compaction_gives_back_what_holes_took() {
    let mut arena = Arena::with_limit(1 << 20);
    let ids: Vec<Id<str>> = (0..1000)
        .map(|n| arena.insert(&*format!("{n:0>100}")))
        .collect();
    for id in &ids[10..] {
        arena.remove(*id);
    }
    assert_eq!(arena.usage().holes, 99_000);
    let done = arena
        .compact_if_sparse()
        .expect("there is memory")
        .expect("it is sparse");
    assert!(
        done.before > 100_000 && done.after < done.before / 2,
        "{done:?}"
    );
    for (n, id) in ids[..10].iter().enumerate() {
        assert_eq!(arena.get(*id), Some(&*format!("{n:0>100}")));
    }
    assert_eq!(arena.compact_if_sparse(), Ok(None));
    // Values without a size, and texts without a letter.
    let (unit, empty) = (arena.insert(&()), arena.insert(""));
    arena.compact().expect("there is memory");
    assert_eq!((arena.get(unit), arena.get(empty)), (Some(&()), Some("")));
}
