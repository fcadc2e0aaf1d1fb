//! A peer that speaks TLS as it should and then says whatever it likes, to a service or to its callers.

#![allow(clippy::expect_used, reason = "a test that meets the unexpected should stop there")]

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use seldinger_core::ids::{DeviceId, SystemIds};
use seldinger_core::link::{DeviceIdentity, Incoming, LinkError, Listener, Pin, Wire};
use seldinger_core::record::sums::Sums;
use seldinger_core::sync::frame::{Frame, Hello, PROTOCOL, Receipt};
use seldinger_core::sync::pairing::{
    Channel, DeviceName, JoinState, Joiner, PairMessage, Party, Why,
};
use seldinger_core::sync::{Fingerprint, Invitation};
use seldinger_core::time::UtcMillis;

/// Longer than anything takes; nobody waits for it when all is well.
const LONG: Duration = Duration::from_mins(1);

/// A device with good keys and bad manners.
pub struct Hostile {
    /// Who it is.
    pub party: Party,
    identity: DeviceIdentity,
}

impl Hostile {
    /// One with new keys.
    ///
    /// # Panics
    /// Where there are none.
    pub fn new(name: &str) -> Self {
        let identity = DeviceIdentity::generate(&SystemIds).expect("keys can be made");
        let party = Party {
            fingerprint: identity.fingerprint(),
            name: DeviceName::new(name),
            seal_key: identity.seal_key(),
        };
        Self { party, identity }
    }

    /// Calls whoever answers there.
    ///
    /// # Panics
    /// Where nobody does.
    pub fn call(&self, at: &str) -> Call {
        let wire = Wire::connect(at, LONG, &self.identity, Pin::Anyone);
        Call { wire: wire.expect("somebody answers"), heard: Vec::new() }
    }

    /// What it says first in a session: that it has nothing, as a device that nobody has met.
    pub fn hello(&self) -> Hello {
        let mut replica = [0; 8];
        replica.copy_from_slice(&self.party.fingerprint.0[..8]);
        Hello {
            protocol: PROTOCOL,
            schema: 1,
            replica: DeviceId(u64::from_be_bytes(replica) >> 1),
            knows: None,
            head: 0,
            waiting: 0,
            root: Sums::default().root(),
            now: UtcMillis(0),
            receipt: Receipt::default(),
        }
    }

    /// Calls, and says hello; what the other side says of itself.
    pub fn greet(&self, at: &str) -> (Call, Hello) {
        self.greet_as(at, self.hello())
    }

    /// Calls, and says another hello.
    ///
    /// # Panics
    /// Where that is not answered by a hello.
    pub fn greet_as(&self, at: &str, hello: Hello) -> (Call, Hello) {
        let mut call = self.call(at);
        call.say(&Frame::Hello(hello));
        match call.frame() {
            Some(Frame::Hello(theirs)) => (call, theirs),
            other => panic!("no hello but {other:?}"),
        }
    }

    /// A joiner that knows the secret of a QR.
    pub fn joiner(&self, invitation: &Invitation) -> Joiner {
        Joiner::scanned(self.party.clone(), invitation, [7; 32])
    }
}

/// One connection of its.
pub struct Call {
    /// The connection itself.
    pub wire: Wire,
    /// Every frame that came.
    pub heard: Vec<Vec<u8>>,
}

impl Call {
    /// What pairing binds itself to.
    pub fn channel(&self) -> Channel {
        Channel { peer: self.wire.peer(), exporter: self.wire.exporter() }
    }

    /// Says a frame of a session.
    pub fn say(&mut self, frame: &Frame) {
        self.say_bytes(&frame.encode());
    }

    /// Says anything. That nobody listens any more is heard, not said.
    pub fn say_bytes(&mut self, bytes: &[u8]) {
        let _ = self.wire.send(bytes);
    }

    /// The next frame, or why there is none.
    ///
    /// # Panics
    /// Where nothing happens in a minute.
    pub fn hear(&mut self) -> Result<Vec<u8>, LinkError> {
        match self.wire.next(LONG) {
            Incoming::Frame(frame) => {
                self.heard.push(frame.clone());
                Ok(frame)
            }
            Incoming::Closed(why) => Err(why),
            other => panic!("{other:?}"),
        }
    }

    /// The next frame of a session.
    pub fn frame(&mut self) -> Option<Frame> {
        self.hear().ok().and_then(|bytes| Frame::decode(&bytes).ok())
    }

    /// The next message of pairing.
    pub fn pairing(&mut self) -> Option<PairMessage> {
        self.hear().ok().and_then(|bytes| PairMessage::read(&bytes).ok())
    }

    /// Proves a secret; the digits that the other side's user would have to type, or why not.
    ///
    /// # Panics
    /// Where it is answered by something else.
    pub fn prove(&mut self, mut joiner: Joiner) -> Result<String, Why> {
        let proof = joiner.begin(self.channel()).expect("the right device answers");
        self.say_bytes(&proof.to_bytes());
        let answer = self.pairing().expect("pairing goes on");
        if let Some(reveal) = joiner.receive(answer) {
            self.say_bytes(&reveal.to_bytes());
        }
        match joiner.state() {
            JoinState::Showing { digits, .. } => Ok(digits),
            JoinState::Failed(why) => Err(why),
            JoinState::Proving | JoinState::Paired(_) | JoinState::OwnKeyRevoked => {
                panic!("out of turn")
            }
        }
    }

    /// Hears everything to the end; why it ended.
    pub fn end(&mut self) -> LinkError {
        loop {
            if let Err(why) = self.hear() {
                return why;
            }
        }
    }
}

/// A device that answers in place of another.
pub struct Impostor {
    /// Who it is.
    pub party: Party,
    /// Where it answers, `host:port`.
    pub at: String,
    listener: Listener,
    calls: Receiver<Wire>,
}

impl Impostor {
    /// One that lets everybody in.
    ///
    /// # Panics
    /// Without a free port.
    pub fn new() -> Self {
        let Hostile { party, identity } = Hostile::new("Laptop");
        let (answered, calls) = channel();
        let answered: Mutex<Sender<Wire>> = Mutex::new(answered);
        let serve = move |wire| {
            // Nobody takes it any more when the test is over.
            let _ = answered.lock().unwrap_or_else(PoisonError::into_inner).send(wire);
        };
        let everybody = Arc::new(|_: &Fingerprint| true);
        let listener = Listener::bind("127.0.0.1:0", &identity, everybody, Arc::new(serve));
        let listener = listener.expect("a port is free");
        Self { party, at: listener.address().to_string(), listener, calls }
    }

    /// The next device that calls and lets itself be deceived.
    ///
    /// # Panics
    /// Where none does in a minute.
    pub fn answer(&self) -> Call {
        let wire = self.calls.recv_timeout(LONG).expect("somebody calls");
        Call { wire, heard: Vec::new() }
    }

    /// Stops; how many let themselves be deceived, and how many hung up as soon as they saw who answers.
    pub fn stop(self) -> [u64; 2] {
        let counts = self.listener.stop();
        [counts.answered, counts.noise]
    }
}

impl Default for Impostor {
    fn default() -> Self {
        Self::new()
    }
}
