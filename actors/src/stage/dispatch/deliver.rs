//! Which items can be delivered now, and to whom?
//!
//! Role       The three policies, as methods of the machine.

use super::{Dispatcher, Effect, Policy};

impl<T> Dispatcher<T> {
    /// Delivers what was asked for and is there.
    pub(super) fn deliver(&mut self, out: &mut Vec<Effect<T>>) {
        match self.policy {
            Policy::Broadcast(copy) => self.deliver_to_all(copy, out),
            Policy::Demand | Policy::Partition(..) => {
                for part in 0..self.queues.len() {
                    self.deliver_to_one(part, out);
                }
            }
        }
    }

    /// Each item of a queue to one subscriber.
    fn deliver_to_one(&mut self, part: usize, out: &mut Vec<Effect<T>>) {
        while !self.queues[part].is_empty() {
            let Some(subscriber) = self.subscribers.serve(part) else {
                return;
            };
            let count = self.queues[part].len().min(subscriber.pending);
            subscriber.pending = 0;
            self.delivered += count as u64;
            out.push(Effect::Deliver {
                id: subscriber.id,
                items: self.queues[part].drain(..count).collect(),
                last: false,
            });
        }
    }

    /// Each item to all subscribers, as many as all of them have asked for. One that wants none of
    /// them goes on waiting.
    fn deliver_to_all(&mut self, copy: fn(&T) -> T, out: &mut Vec<Effect<T>>) {
        loop {
            let queue = &mut self.queues[0];
            let count = queue.len().min(self.subscribers.common_demand());
            if count == 0 {
                return;
            }
            let items: Vec<T> = queue.drain(..count).collect();
            for subscriber in self.subscribers.iter_mut() {
                let wants = |item: &&T| match &subscriber.selector {
                    Some(selector) => selector(item),
                    None => true,
                };
                let chosen: Vec<T> = items.iter().filter(wants).map(copy).collect();
                if chosen.is_empty() {
                    continue;
                }
                subscriber.pending = 0;
                self.delivered += chosen.len() as u64;
                out.push(Effect::Deliver {
                    id: subscriber.id,
                    items: chosen,
                    last: false,
                });
            }
        }
    }

    /// How many items the source is to be asked for, after all was delivered that could be.
    pub(super) fn want(&self) -> usize {
        match &self.policy {
            Policy::Demand => self.subscribers.demand(),
            Policy::Broadcast(_) => self.subscribers.common_demand(),
            // What is made may be for another partition than the one that asked: it waits there, and
            // a partition that nobody serves stops the source when the room is full.
            Policy::Partition(..) => {
                let room = self.limits.buffer.saturating_sub(self.buffered());
                let missing = |sum: usize, part: usize| {
                    let asked = self
                        .subscribers
                        .iter()
                        .filter(|one| one.partition == part)
                        .fold(0, |sum: usize, one| sum.saturating_add(one.pending));
                    sum.saturating_add(asked.saturating_sub(self.queues[part].len()))
                };
                (0..self.queues.len()).fold(0, missing).min(room)
            }
        }
    }

    /// Whether somebody waits for what is in this queue.
    pub(super) fn could_deliver(&self, part: usize) -> bool {
        match self.policy {
            Policy::Broadcast(_) => 0 < self.subscribers.common_demand(),
            _ => {
                let mut of_part = self.subscribers.iter().filter(|one| one.partition == part);
                of_part.any(|one| 0 < one.pending)
            }
        }
    }

    /// There will be no more items: whoever asks for what is not there is told so, and when all have
    /// been told, the stage is over.
    pub(super) fn finish(&mut self, out: &mut Vec<Effect<T>>) {
        if !self.waiting.is_empty() {
            return;
        }
        let drained: Vec<bool> = self.queues.iter().map(|queue| queue.is_empty()).collect();
        // A broadcast of which somebody has not asked yet goes on.
        let all = drained.iter().all(|drained| *drained);
        if matches!(self.policy, Policy::Partition(..)) || all {
            for id in self.subscribers.take_asking_if(|part| drained[part]) {
                out.push(Effect::Deliver {
                    id,
                    items: Vec::new(),
                    last: true,
                });
            }
        }
        if all && self.subscribers.is_empty() {
            self.finished = true;
            out.push(Effect::Finished);
        }
    }
}
