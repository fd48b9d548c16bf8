//! What does one end do with one input?
//!
//! Role       Tables of single steps.

use std::time::Duration;

use foundation_cluster::overlay::circuit::{
    AHEAD_MAX, Carried, CircuitConfigError, Circuits, Config, Effect, Input, WhyClosed,
};
use foundation_cluster::overlay::routing::{Letter, Undelivered};

use super::hand::{Hand, WINDOW, came, closed, config, data, from, letters, of, said};
use super::{circuit, id};

#[test]
fn it_is_opened_when_the_other_end_accepts() {
    let mut end = Hand::new();
    let said = end.says(Input::Open {
        number: 1,
        to: id(1),
    });
    assert_eq!(said, [Carried::Open(WINDOW as u64)]);
    let one = circuit(0, 1);
    assert_eq!(end.step(from(2, 1, Carried::Accept(9))), [], "a stranger");
    let expected = [Effect::Opened(one), Effect::Room(one, WINDOW)];
    assert_eq!(end.gets(Carried::Accept(9)), expected);
    assert_eq!(end.gets(Carried::Accept(9)), [], "once");
}

#[test]
fn it_asks_and_is_accepted_or_refused() {
    let his = circuit(5, 9);
    let mut end = Hand::new();
    let open = || of(5, 9, Carried::Open(100));
    assert_eq!(end.step(open()), [Effect::Asks(his)]);
    assert_eq!(end.step(open()), [], "once");
    let effects = end.step(Input::Accept(his));
    assert_eq!(
        effects[..2],
        [Effect::Opened(his), Effect::Room(his, WINDOW)]
    );
    assert_eq!(
        letters(effects).iter().map(said).collect::<Vec<_>>(),
        [Carried::Accept(8192)]
    );
    assert_eq!(end.step(Input::Accept(his)), []);

    let mut end = Hand::new();
    end.step(open());
    let effects = end.step(Input::Refuse(his));
    assert_eq!(effects[1], Effect::Closed(his, WhyClosed::Refused));
    assert_eq!(said(&letters(effects)[0]), Carried::Refuse { full: false });
    assert_eq!(end.node.len(), 0);
}

#[test]
fn why_it_is_not_opened() {
    let check = |carried, why| {
        let mut end = Hand::new();
        end.step(Input::Open {
            number: 1,
            to: id(1),
        });
        assert_eq!(end.gets(carried), [closed(why)]);
        assert_eq!(end.node.len(), 0);
    };
    check(Carried::Refuse { full: false }, WhyClosed::Refused);
    check(Carried::Refuse { full: true }, WhyClosed::TooMany);
    check(Carried::Gone, WhyClosed::OtherEnd);
    let own = Hand::new().step(Input::Open {
        number: 1,
        to: id(0),
    });
    assert_eq!(own, [closed(WhyClosed::Refused)], "to itself");
}

#[test]
fn there_are_no_more_than_circuits_max() {
    let mut end = Hand::new();
    for number in 1..=3 {
        end.step(Input::Open { number, to: id(1) });
    }
    assert_eq!(
        end.step(of(5, 9, Carried::Open(9))),
        [Effect::Asks(circuit(5, 9))]
    );
    let full = end.says(of(5, 10, Carried::Open(9)));
    assert_eq!(full, [Carried::Refuse { full: true }]);
    let effects = end.step(Input::Open {
        number: 4,
        to: id(1),
    });
    assert_eq!(effects, [Effect::Closed(circuit(0, 4), WhyClosed::TooMany)]);
    end.gets(Carried::Gone);
    assert_eq!(
        end.says(Input::Open {
            number: 5,
            to: id(1)
        })
        .len(),
        1
    );
}

#[test]
#[should_panic(expected = "1 was there before")]
fn a_number_is_given_once() {
    let mut end = Hand::open(0);
    end.gets(Carried::Gone);
    end.step(Input::Open {
        number: 1,
        to: id(1),
    });
}

#[test]
fn half_open_ones_end() {
    let mut end = Hand::new();
    let letters = end.letters(Input::Open {
        number: 1,
        to: id(1),
    });
    end.node_has(&letters);
    end.step(of(5, 9, Carried::Open(9)));
    end.now = 29_999;
    assert_eq!(end.step(Input::Woken), []);
    end.now = 30_000;
    let told = end.told(Input::Woken);
    let his = Effect::Closed(circuit(5, 9), WhyClosed::Stalled);
    assert_eq!(told, [closed(WhyClosed::Stalled), his]);
    assert_eq!(end.says(from(1, 1, Carried::Accept(9))), [Carried::Gone]);
}

#[test]
fn bytes_are_cut_into_segments_and_wait_for_credit() {
    let mut end = Hand::open(2500);
    let sent = end.write(3000);
    let lens = |letters: &[Letter]| -> Vec<usize> {
        let len = |letter: &Letter| match said(letter) {
            Carried::Data { bytes, .. } => bytes.len(),
            other => panic!("{other:?}"),
        };
        letters.iter().map(len).collect()
    };
    assert_eq!(lens(&sent), [1024, 1024, 452]);
    assert_eq!(end.gets(Carried::Credit(100)), [], "it was said before");
    let more = letters(end.gets(Carried::Credit(2600)));
    assert_eq!(lens(&more), [100]);
    assert_eq!(letters(end.gets(Carried::Credit(9000))), [], "four letters");
    let ticket = |letter: &Letter| letter.ticket.unwrap();
    // The oldest counts: three that have come make no room in front of it.
    for letter in sent[1..].iter().chain(&more) {
        let effects = end.step(Input::Acknowledged(ticket(letter)));
        assert_eq!(letters(effects), []);
    }
    let effects = end.step(Input::Acknowledged(ticket(&sent[0])));
    assert_eq!(effects[0], Effect::Room(circuit(0, 1), 1024));
    assert_eq!(lens(&letters(effects)), [400]);
}

#[test]
fn small_writes_are_gathered() {
    let mut end = Hand::open(9000);
    let sent: Vec<_> = (0..100).flat_map(|_| end.write(10)).collect();
    assert_eq!(sent.len(), 4);
    let next = letters(end.step(Input::Acknowledged(sent[0].ticket.unwrap())));
    let Carried::Data { bytes, .. } = said(&next[0]) else {
        panic!("{next:?}");
    };
    assert_eq!(bytes.len(), 960);
}

#[test]
#[should_panic(expected = "more is written than fits")]
fn there_is_no_room_for_more() {
    let mut end = Hand::open(9000);
    end.write(WINDOW);
    assert_eq!(end.node.held_bytes(), WINDOW, "half of it is under way");
    end.write(1);
}

#[test]
fn what_comes_is_put_in_order() {
    let mut end = Hand::open(0);
    assert_eq!(end.gets(data(1, b"b")), []);
    assert_eq!(end.gets(Carried::End(3)), []);
    assert_eq!(end.gets(data(0, b"a")), [came(b"a"), came(b"b")]);
    assert_eq!(end.gets(data(1, b"b")), [], "again");
    let finished = Effect::Finished(circuit(0, 1));
    assert_eq!(end.gets(data(2, b"c")), [came(b"c"), finished]);
    assert_eq!(end.gets(data(2, b"c")), [], "again");
}

#[test]
fn what_comes_before_the_answer_waits_for_it() {
    let mut end = Hand::new();
    end.step(Input::Open {
        number: 1,
        to: id(1),
    });
    assert_eq!(end.gets(data(0, b"a")), []);
    let effects = end.gets(Carried::Accept(9));
    assert_eq!(effects[2..], [came(b"a")]);
}

#[test]
fn credit_is_returned_as_the_reader_consumes() {
    let mut end = Hand::open(0);
    for at in 0..8 {
        assert_eq!(end.gets(data(at, &[1; 1024])).len(), 1);
    }
    let one = circuit(0, 1);
    assert_eq!(end.says(Input::Consumed(one, 4095)), [], "not each byte");
    let half = end.says(Input::Consumed(one, 1));
    assert_eq!(half, [Carried::Credit(4096 + WINDOW as u64)]);
    end.step(Input::Consumed(one, 4000));
    end.gets(Carried::Credit(10));
    let with_bytes = end.write(5);
    let Carried::Data { limit, .. } = said(&with_bytes[0]) else {
        panic!("{with_bytes:?}");
    };
    assert_eq!(limit, 8096 + WINDOW as u64);
}

#[test]
fn who_sends_what_he_may_not_loses_the_circuit() {
    let check = |pieces: &[Carried], what: &str| {
        let mut end = Hand::open(0);
        for piece in &pieces[1..] {
            end.gets(piece.clone());
        }
        let effects = end.gets(pieces[0].clone());
        assert_eq!(effects[1], closed(WhyClosed::Fault), "{what}");
        assert_eq!(said(&letters(effects)[0]), Carried::Gone);
        assert_eq!(end.node.held_bytes(), 0);
    };
    let many = vec![1; WINDOW];
    check(&[data(0, &[1; WINDOW + 1])], "more than the window");
    check(
        &[data(1, b"x"), data(0, &many)],
        "more, and nothing was read",
    );
    check(&[data(1, b"x"), data(2, &many)], "more, in no order");
    check(&[data(AHEAD_MAX, b"x")], "far ahead");
    check(&[data(u64::MAX, b"x")], "very far ahead");
    check(&[data(0, b"")], "nothing");
    check(&[data(1, b"x"), Carried::End(0)], "behind the end");
    // Who was not accepted may send nothing.
    let mut end = Hand::new();
    end.step(of(5, 9, Carried::Open(9)));
    let told = end.told(of(5, 9, data(0, b"x")));
    assert_eq!(told, [Effect::Closed(circuit(5, 9), WhyClosed::Fault)]);
}

#[test]
fn a_busy_letter_is_sent_again_later_and_later() {
    let mut end = Hand::open(9000);
    let mut letter = end.write(10).remove(0);
    let (payload, mut times) = (letter.payload.clone(), 0);
    let mut last = 0;
    for wait in [10, 20, 40, 80, 160, 320, 640, 1000, 1000] {
        let busy = Input::Undelivered(letter.clone(), Undelivered::Busy);
        assert_eq!(end.step(busy), []);
        end.now = last + wait - 1;
        assert_eq!(end.step(Input::Woken), [], "after {wait} ms");
        end.now += 1;
        last = end.now;
        let again = end.letters(Input::Woken);
        assert_eq!(again[0].payload, payload);
        letter = again[0].clone();
        times += 1;
    }
    assert_eq!(times, 9);
    let room = Effect::Room(circuit(0, 1), 10);
    assert_eq!(
        end.step(Input::Acknowledged(letter.ticket.unwrap())),
        [room]
    );
    // It was heard: the next pause is short again.
    let letter = end.write(10).remove(0);
    end.step(Input::Undelivered(letter, Undelivered::Busy));
    end.now += 10;
    assert_eq!(end.letters(Input::Woken).len(), 1);
}

#[test]
fn letters_that_were_busy_together_make_one_pause() {
    let mut end = Hand::open(9000);
    for letter in end.write(4096) {
        end.step(Input::Undelivered(letter, Undelivered::Busy));
    }
    end.now = 9;
    assert_eq!(end.step(Input::Woken), []);
    end.now = 10;
    let one = end.letters(Input::Woken);
    assert_eq!(one.len(), 1, "routing took none: one to begin with");
    let two = end.letters(Input::Acknowledged(one[0].ticket.unwrap()));
    assert_eq!(two.len(), 2);
}

#[test]
fn who_can_send_nothing_for_long_is_closed() {
    let mut end = Hand::open(9000);
    let mut sent = end.write(10);
    while end.now < 59_000 {
        for letter in sent {
            end.step(Input::Undelivered(letter, Undelivered::Busy));
        }
        end.now += 1000;
        sent = end.letters(Input::Woken);
    }
    end.now = 60_000;
    assert_eq!(end.told(Input::Woken), [closed(WhyClosed::Stalled)]);
}

#[test]
fn why_a_letter_breaks_it() {
    let check = |undelivered, why| {
        let mut end = Hand::open(9000);
        let letter = end.write(10).remove(0);
        let told = end.told(Input::Undelivered(letter.clone(), undelivered));
        assert_eq!(told, [closed(why)]);
        assert_eq!(end.step(Input::Undelivered(letter, undelivered)), []);
    };
    check(Undelivered::Unanswered, WhyClosed::Unreachable);
    check(Undelivered::TooLong, WhyClosed::TooLong);
}

#[test]
fn one_that_is_idle_is_probed() {
    let mut end = Hand::open(9000);
    for round in 1..=3 {
        end.now = 15_000 * round - 1;
        assert_eq!(end.step(Input::Woken), []);
        end.now += 1;
        let probe = end.letters(Input::Woken);
        assert_eq!(probe.iter().map(said).collect::<Vec<_>>(), [Carried::Probe]);
        end.node_has(&probe);
    }
    end.now += 15_000;
    let probe = end.letters(Input::Woken).remove(0);
    let told = end.told(Input::Undelivered(probe, Undelivered::Unanswered));
    assert_eq!(told, [closed(WhyClosed::Unreachable)]);
}

#[test]
fn a_circuit_that_is_not_here_is_gone() {
    let check = |carried, says: &[Carried]| {
        assert_eq!(Hand::new().says(of(5, 9, carried)), says);
    };
    check(Carried::Probe, &[Carried::Gone]);
    check(data(0, b"x"), &[Carried::Gone]);
    check(Carried::End(0), &[Carried::Gone]);
    check(Carried::Accept(9), &[Carried::Gone]);
    check(Carried::Credit(9), &[]);
    check(Carried::Gone, &[]);
    check(Carried::Refuse { full: true }, &[]);
    assert_eq!(
        Hand::open(0).gets(Carried::Gone),
        [closed(WhyClosed::OtherEnd)]
    );
    // Farewells are few, whatever comes.
    let mut end = Hand::new();
    let said = (0..500).map(|number| end.says(of(5, number, Carried::Probe)).len());
    assert_eq!(said.sum::<usize>(), 64);
}

#[test]
fn what_was_written_before_a_close_comes_before_the_end() {
    let mut end = Hand::open(1000);
    let one = circuit(0, 1);
    let sent = end.write(1500);
    assert_eq!(end.says(Input::Close(one)), [], "500 bytes have no credit");
    assert_eq!(end.gets(data(0, b"x")), [], "nobody reads");
    let more = letters(end.gets(Carried::Credit(2000)));
    assert_eq!(said(&more[1]), Carried::End(2));
    end.node_has(&sent);
    end.node_has(&more[..1]);
    let effects = end.step(Input::Acknowledged(more[1].ticket.unwrap()));
    assert_eq!(effects[1], closed(WhyClosed::Done));
    assert_eq!(said(&letters(effects)[0]), Carried::Gone);
    assert_eq!(end.node.len(), 0);
}

#[test]
fn one_that_is_closed_does_not_wait_for_a_reader_without_end() {
    let mut end = Hand::open(10);
    let sent = end.write(20);
    end.node_has(&sent);
    end.step(Input::Close(circuit(0, 1)));
    let mut told = Vec::new();
    while end.now < 60_000 {
        end.now += 500;
        let effects = end.step(Input::Woken);
        told.extend(
            effects
                .iter()
                .filter(|e| !matches!(e, Effect::Send(_)))
                .cloned(),
        );
        end.node_has(&letters(effects));
    }
    assert_eq!(told, [closed(WhyClosed::Stalled)]);
}

#[test]
fn both_ends_finish_and_what_comes_is_read_till_then() {
    let mut end = Hand::open(10);
    let one = circuit(0, 1);
    let last = end.letters(Input::Finish(one));
    assert_eq!(said(&last[0]), Carried::End(0));
    end.node_has(&last);
    assert_eq!(end.gets(data(0, b"x")), [came(b"x")]);
    let effects = end.gets(Carried::End(1));
    assert_eq!(effects, [Effect::Finished(one), closed(WhyClosed::Done)]);
}

#[test]
fn letters_are_few_and_circuits_take_turns() {
    let mut end = Hand::open(9000);
    end.step(Input::Open {
        number: 2,
        to: id(2),
    });
    let his = from(2, 2, Carried::Accept(9000));
    end.step(his);
    // Open of the second is under way: seven are left, and four at most of each.
    let first = end.write(WINDOW);
    assert_eq!(first.len(), 4);
    let second = end.letters(Input::Write(circuit(0, 2), vec![1; WINDOW]));
    assert_eq!(second.len(), 3);
    let next = end.letters(Input::Acknowledged(first[0].ticket.unwrap()));
    assert_eq!(next[0].to, id(2), "it has waited for longer");
    assert_eq!(end.node.under_way(), 8);
    // One without any may send one all the same.
    assert_eq!(
        end.letters(Input::Open {
            number: 3,
            to: id(3)
        })
        .len(),
        1
    );
}

#[test]
fn none_waits_while_another_sends_on() {
    let mut config = config();
    config.letters_max = 2;
    let mut end = Hand::with(config);
    for number in [1, 2] {
        let to = id(number as usize);
        let opens = end.letters(Input::Open { number, to });
        end.node_has(&opens);
        end.step(from(number as usize, number, Carried::Accept(9000)));
    }
    let mut under_way = end.write(4096);
    under_way.extend(end.letters(Input::Write(circuit(0, 2), vec![1; 4096])));
    let mut order = Vec::new();
    while !under_way.is_empty() {
        let oldest = under_way.remove(0);
        order.push(oldest.to.0);
        let ticket = oldest.ticket.unwrap();
        under_way.extend(end.letters(Input::Acknowledged(ticket)));
    }
    assert_eq!(order, [1, 1, 2, 1, 2, 1, 2, 2]);
}

#[test]
fn figures_out_of_bounds_are_refused() {
    let check = |change: fn(&mut Config), error| {
        let mut config = Config::default();
        change(&mut config);
        assert_eq!(Circuits::new(id(0), config).err(), Some(error));
    };
    check(|c| c.window_bytes = 1023, CircuitConfigError::Window);
    check(|c| c.window_bytes = usize::MAX, CircuitConfigError::Window);
    check(|c| c.segment_bytes = 0, CircuitConfigError::Segments);
    check(
        |c| c.segment_bytes = 300 << 10,
        CircuitConfigError::Segments,
    );
    check(|c| c.segments_max = 65, CircuitConfigError::Segments);
    check(|c| c.letters_max = 0, CircuitConfigError::Letters);
    check(|c| c.circuits_max = 0, CircuitConfigError::Circuits);
    check(|c| c.busy_wait = Duration::ZERO, CircuitConfigError::Time);
    check(
        |c| c.busy_wait = 2 * c.busy_wait_max,
        CircuitConfigError::Time,
    );
    check(|c| c.open_timeout = Duration::MAX, CircuitConfigError::Time);
}
