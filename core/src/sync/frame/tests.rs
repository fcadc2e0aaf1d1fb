use proptest::prelude::*;

use super::*;

/// One of each.
pub(crate) fn all() -> Vec<Frame> {
    let mut sums = Sums::default();
    sums.add(RecordId::from_bytes([3; 16]), crate::record::sums::Digest([7; 16]));
    let hello = Hello {
        protocol: PROTOCOL,
        schema: 2,
        replica: DeviceId(7),
        knows: Some((DeviceId(8), 9)),
        head: 10,
        waiting: 11,
        root: sums.root(),
        now: UtcMillis(-5),
        receipt: Receipt([9; 16]),
    };
    let refused = vec![Refusal { place: 2, why: WhyRefused::FarAhead }];
    let packed = pack([b"one".as_slice(), b"two"].into_iter());
    vec![
        Frame::Hello(hello.clone()),
        Frame::Hello(Hello { knows: None, ..hello }),
        Frame::Page(Page {
            from: 3,
            to: 9,
            more: true,
            is_repair: false,
            receipt: Receipt::default(),
            count: 2,
            packed,
        }),
        Frame::Ack { to: 9, refused },
        Frame::Root { head: 1, cursor: 2, root: sums.root() },
        Frame::Sums(Box::new(sums)),
        Frame::Still,
        Frame::Bye(Why::Renewed),
    ]
}

#[test]
fn frames_read_back_and_half_a_frame_is_none() {
    for frame in all() {
        let bytes = frame.encode();
        assert_eq!(Frame::decode(&bytes), Ok(frame.clone()));
        for end in 0..bytes.len() {
            assert_eq!(Frame::decode(&bytes[..end]), Err(NotAFrame), "{frame:?} cut at {end}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(Frame::decode(&longer), Err(NotAFrame));
    }
}

#[test]
fn a_later_hello_may_say_more() {
    let Some(hello @ Frame::Hello(_)) = all().into_iter().next() else { panic!("no hello") };
    let mut longer = hello.encode();
    longer[0] += 2;
    longer.extend([0x82, 1, 0x61, b'x', 0xf6]);
    assert_eq!(Frame::decode(&longer), Ok(hello));
    for end in 0..longer.len() {
        assert_eq!(Frame::decode(&longer[..end]), Err(NotAFrame), "cut at {end}");
    }
}

#[test]
fn a_page_holds_what_it_says() {
    let records = [b"one".as_slice(), b"two"];
    let packed = pack(records.into_iter());
    let page = |count, packed: &[u8]| Page {
        from: 0,
        to: 2,
        more: false,
        is_repair: false,
        receipt: Receipt::default(),
        count,
        packed: packed.to_vec(),
    };
    assert_eq!(unpack(&page(2, &packed)).unwrap(), records);
    assert_eq!(unpack(&page(1, &packed)), Err(NotAFrame));
    assert_eq!(unpack(&page(2, &packed[..packed.len() - 1])), Err(NotAFrame));
    let bomb = zstd::bulk::compress(&vec![0; MOST_BYTES + 1], 19).unwrap();
    assert!(bomb.len() < 1_000);
    assert_eq!(unpack(&page(0, &bomb)), Err(NotAFrame));
}

proptest! {
    #[test]
    fn random_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Frame::decode(&bytes);
        let _ = unpack(&Page { from: 0, to: 1, more: false, is_repair: false, receipt: Receipt::default(), count: 1, packed: bytes });
    }
}
