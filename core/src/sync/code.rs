//! What one device shows and the other reads: the invitation in the QR, and the code for devices
//! without a camera.
//!
//! The QR holds everything that a phone needs, and is one alphanumeric segment: an upper-case prefix
//! and base 32, which makes it a third smaller than bytes behind base 64. Four check bytes tell a
//! damaged paste from a wrong secret. The typed code holds a secret of its own, 128 bits derived from
//! the other: who reads it off the screen cannot make the QR's proof from it.

use std::fmt;
use std::str::FromStr;

use minicbor::{Decoder, Encoder};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::ids::{Ids, random};
use crate::time::UtcMillis;

/// The version of invitations that is written.
const VERSION: u8 = 1;
const PREFIX: &str = "SELDINGER:";
/// Letters of the longest invitation that is looked at.
const MAX_LETTERS: usize = 2_048;
/// Addresses in an invitation.
const MAX_ADDRESSES: usize = 8;
/// Letters of one address.
const MAX_ADDRESS: usize = 80;
const CHECK_BYTES: usize = 4;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters of a typed code: 128 bits of secret and 2 that catch a slip.
const TYPED_LETTERS: usize = 26;

/// Who a device is: the SHA-256 of its certificate's public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let (mut bytes, text) = ([0; 32], text.as_bytes());
        if text.len() != 64 {
            return Err(CodeError::NotACode);
        }
        for (byte, pair) in bytes.iter_mut().zip(text.chunks(2)) {
            let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else {
                return Err(CodeError::NotACode);
            };
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

/// Why a text is no invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum CodeError {
    /// Something else: no invitation of ours begins or looks like this.
    #[error("not a pairing code")]
    NotACode,
    /// It was one: a letter is missing or wrong.
    #[error("a damaged pairing code")]
    Damaged,
    /// A newer version of the product shows it.
    #[error("pairing code of version {found}")]
    NewerVersion {
        /// Its version.
        found: u8,
    },
    /// The time to pair is over; the other device shows a new one at a click.
    #[error("an expired pairing code")]
    Expired,
}

/// The one-time secret of a pairing.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct PairingSecret(pub [u8; 32]);
quiet_debug!(PairingSecret);

impl PairingSecret {
    /// A new random secret.
    pub fn new(ids: &dyn Ids) -> Self {
        Self(random(ids))
    }

    /// The shorter secret that a person can type.
    pub fn typed(&self) -> TypedSecret {
        let long = Zeroizing::new(blake3::derive_key("seldinger 2026 typed pairing code", &self.0));
        let mut short = [0; 16];
        short.copy_from_slice(&long[..16]);
        TypedSecret(short)
    }
}

/// The secret of a pairing as a person types it: 26 letters and digits.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct TypedSecret(pub [u8; 16]);
quiet_debug!(TypedSecret);

impl TypedSecret {
    /// As it is shown: in fours, the last group of two.
    pub fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(TYPED_LETTERS + 6));
        let bits = u128::from_be_bytes(self.0);
        for place in 0..TYPED_LETTERS {
            if place > 0 && place % 4 == 0 {
                text.push('-');
            }
            let digit = match place {
                // The last letter has the last three bits of the secret, then the check.
                25 => (bits & 7) << 2 | u128::from(self.check()),
                _ => bits >> (123 - 5 * place) & 31,
            };
            text.push(char::from(CROCKFORD[usize::try_from(digit).unwrap_or(0)]));
        }
        text
    }

    fn check(&self) -> u8 {
        blake3::derive_key("seldinger 2026 typed pairing check", &self.0)[0] & 3
    }
}

impl FromStr for TypedSecret {
    type Err = CodeError;

    /// Reads what was typed: case, spaces and dashes do not matter, nor do O for 0, I and L for 1.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let mut digits = Zeroizing::new([0_u8; TYPED_LETTERS]);
        let mut places = 0;
        for letter in text.chars().filter(|c| !c.is_whitespace() && !is_dash(*c)) {
            let letter = match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let digit = CROCKFORD.iter().position(|c| char::from(*c) == letter);
            let digit = digit.and_then(|digit| u8::try_from(digit).ok());
            let place = digits.get_mut(places).ok_or(CodeError::NotACode)?;
            *place = digit.ok_or(CodeError::NotACode)?;
            places += 1;
        }
        if places != TYPED_LETTERS {
            return Err(CodeError::NotACode);
        }
        let head = digits[..25].iter().fold(0_u128, |bits, digit| bits << 5 | u128::from(*digit));
        let secret = Self((head << 3 | u128::from(digits[25] >> 2)).to_be_bytes());
        if secret.check() == digits[25] & 3 { Ok(secret) } else { Err(CodeError::Damaged) }
    }
}

/// A dash as keyboards write it, with their corrections.
fn is_dash(letter: char) -> bool {
    matches!(letter, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// What the QR says.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The version it was written in.
    pub version: u8,
    /// Who invites.
    pub fingerprint: Fingerprint,
    /// The one-time secret.
    pub secret: PairingSecret,
    /// Where the inviting device listens, as `host:port`.
    /// # Shape
    /// At most 8, the likeliest first.
    pub addresses: Vec<String>,
    /// Until when.
    pub expires: UtcMillis,
}
quiet_debug!(Invitation);

impl Invitation {
    /// An invitation of this version. Addresses beyond the eighth are left out, as are those that are
    /// not `host:port`.
    pub fn new(
        fingerprint: Fingerprint,
        secret: PairingSecret,
        addresses: &[String],
        expires: UtcMillis,
    ) -> Self {
        let addresses = addresses.iter().filter(|a| is_address(a)).take(MAX_ADDRESSES);
        let addresses = addresses.cloned().collect();
        Self { version: VERSION, fingerprint, secret, addresses, expires }
    }

    /// The text for the QR.
    pub fn text(&self) -> Zeroizing<String> {
        let mut out = Encoder::new(Vec::new());
        // Writing to memory does not fail.
        let _ = self.write(&mut out);
        let mut bytes = Zeroizing::new(out.into_writer());
        let check = check(&bytes);
        bytes.extend_from_slice(&check);
        Zeroizing::new(format!("{PREFIX}{}", *to_base32(&bytes)))
    }

    fn write(
        &self,
        out: &mut Encoder<Vec<u8>>,
    ) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
        out.array(5)?.u8(self.version)?.bytes(&self.fingerprint.0)?.bytes(&self.secret.0)?;
        out.array(self.addresses.len() as u64)?;
        for address in &self.addresses {
            out.str(address)?;
        }
        out.i64(self.expires.0)?;
        Ok(())
    }

    /// Reads what a camera saw or somebody pasted.
    ///
    /// # Errors
    /// `NotACode`, `Damaged`, `NewerVersion`; `Expired` by the reader's own clock, which says so early
    /// where it can: the other device decides by its own.
    pub fn read(text: &str, now: UtcMillis) -> Result<Self, CodeError> {
        let body = text.trim().strip_prefix(PREFIX).ok_or(CodeError::NotACode)?;
        if body.len() > MAX_LETTERS {
            return Err(CodeError::Damaged);
        }
        let bytes = from_base32(body).ok_or(CodeError::Damaged)?;
        let (bytes, found) = bytes.split_last_chunk::<CHECK_BYTES>().ok_or(CodeError::Damaged)?;
        if check(bytes) != *found {
            return Err(CodeError::Damaged);
        }
        let mut from = Decoder::new(bytes);
        let length = from.array().ok().flatten().ok_or(CodeError::Damaged)?;
        let version = from.u8().map_err(|_| CodeError::Damaged)?;
        if version > VERSION {
            return Err(CodeError::NewerVersion { found: version });
        }
        let read = (length == 5 && version == VERSION).then(|| Self::rest(version, &mut from));
        let read = read.flatten().filter(|_| from.position() == bytes.len());
        let read = read.ok_or(CodeError::Damaged)?;
        if now >= read.expires { Err(CodeError::Expired) } else { Ok(read) }
    }

    fn rest(version: u8, from: &mut Decoder<'_>) -> Option<Self> {
        let fingerprint = Fingerprint(from.bytes().ok()?.try_into().ok()?);
        let secret = PairingSecret(from.bytes().ok()?.try_into().ok()?);
        let count = from.array().ok()??;
        if count > MAX_ADDRESSES as u64 {
            return None;
        }
        let address = |_| from.str().ok().filter(|a| is_address(a)).map(str::to_owned);
        let addresses = (0..count).map(address).collect::<Option<_>>()?;
        let expires = UtcMillis(from.i64().ok()?);
        Some(Self { version, fingerprint, secret, addresses, expires })
    }
}

/// `host:port` in visible ASCII.
fn is_address(text: &str) -> bool {
    let (host, port) = text.rsplit_once(':').unwrap_or_default();
    let port = port.bytes().all(|c| c.is_ascii_digit()).then(|| port.parse::<u16>().ok()).flatten();
    text.len() <= MAX_ADDRESS
        && !host.is_empty()
        && host.bytes().all(|c| c.is_ascii_graphic())
        && port.is_some_and(|port| port > 0)
}

fn check(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let hash = blake3::derive_key("seldinger 2026 invitation check", bytes);
    let mut check = [0; CHECK_BYTES];
    check.copy_from_slice(&hash[..CHECK_BYTES]);
    check
}

fn to_base32(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 8 / 5 + 1));
    let (mut bits, mut count) = (0_u32, 0);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(char::from(BASE32[(bits >> count & 31) as usize]));
        }
    }
    if count > 0 {
        text.push(char::from(BASE32[(bits << (5 - count) & 31) as usize]));
    }
    text
}

/// The bytes, where `text` is exactly what they are written as.
fn from_base32(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() * 5 / 8));
    let (mut bits, mut count) = (0_u32, 0);
    for letter in text.bytes() {
        let digit = BASE32.iter().position(|c| *c == letter)?;
        bits = bits << 5 | u32::try_from(digit).ok()?;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 255) as u8);
        }
    }
    // What is left over is less than a letter, and empty.
    (count < 5 && bits & ((1 << count) - 1) == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn invitation() -> Invitation {
        let addresses = ["192.168.1.20:47110".to_owned(), "[fe80::1]:47110".to_owned()];
        let secret = PairingSecret([7; 32]);
        Invitation::new(Fingerprint([9; 32]), secret, &addresses, UtcMillis(120_000))
    }

    fn sealed(bytes: &[u8]) -> String {
        let whole = [bytes, &check(bytes)[..]].concat();
        format!("{PREFIX}{}", *to_base32(&whole))
    }

    #[test]
    fn an_invitation_fits_an_alphanumeric_qr() {
        let text = invitation().text();
        assert!(text.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b':'));
        assert!(text.len() < 220, "{} letters", text.len());
    }

    #[test]
    fn what_is_wrong_with_a_code_is_told_apart() {
        let text = invitation().text();
        let read = |text: &str| Invitation::read(text, UtcMillis(0));
        assert_eq!(read(&format!(" {}\n", *text)).unwrap(), invitation());
        assert_eq!(read("https://example.org/").unwrap_err(), CodeError::NotACode);
        assert_eq!(read("").unwrap_err(), CodeError::NotACode);
        assert_eq!(read(&text[..text.len() - 1]).unwrap_err(), CodeError::Damaged);
        assert_eq!(read(&text.replace('A', "B")).unwrap_err(), CodeError::Damaged);
        assert_eq!(read(&format!("{PREFIX}{}", "A".repeat(9_000))), Err(CodeError::Damaged));
        // Of a newer version nothing but its number is read.
        let newer = sealed(&[0x82, 2, 0x00]);
        assert_eq!(read(&newer).unwrap_err(), CodeError::NewerVersion { found: 2 });
        assert_eq!(read(&sealed(&[0x82, 1, 0x00])).unwrap_err(), CodeError::Damaged);
        let at = |ms| Invitation::read(&text, UtcMillis(ms));
        assert!(at(119_999).is_ok());
        assert_eq!(at(120_000).unwrap_err(), CodeError::Expired);
    }

    #[test]
    fn addresses_are_hosts_with_ports() {
        for good in ["10.0.0.1:1", "laptop.local:65535", "[::1]:80"] {
            assert!(is_address(good), "{good}");
        }
        for odd in ["", ":80", "host", "host:", "host:0", "host:65536", "host:+8", "a b:1", "é:1"]
        {
            assert!(!is_address(odd), "{odd}");
        }
        let many = vec!["10.0.0.1:1".to_owned(); 20];
        let secret = PairingSecret([1; 32]);
        let many = Invitation::new(Fingerprint([0; 32]), secret, &many, UtcMillis(9));
        assert_eq!(many.addresses.len(), MAX_ADDRESSES);
    }

    #[test]
    fn a_typed_code_forgives_how_it_was_typed() {
        let secret = PairingSecret([0; 32]).typed();
        let text = secret.text();
        assert_eq!(text.len(), 32);
        assert_eq!(text.matches('-').count(), 6);
        let sloppy = text.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
        assert_eq!(sloppy.parse::<TypedSecret>().unwrap(), secret);
        assert_eq!(text.replace('-', "\u{2013}").parse::<TypedSecret>().unwrap(), secret);
        assert_eq!(text[1..].parse::<TypedSecret>(), Err(CodeError::NotACode));
        assert_eq!(format!("{}0", *text).parse::<TypedSecret>(), Err(CodeError::NotACode));
        assert_eq!("U".repeat(26).parse::<TypedSecret>(), Err(CodeError::NotACode));
    }

    #[test]
    fn three_of_four_slips_are_caught() {
        let (mut caught, mut slips) = (0, 0);
        for seed in 0..40_u8 {
            let text = PairingSecret([seed; 32]).typed().text().replace('-', "");
            for place in 0..TYPED_LETTERS {
                for letter in *CROCKFORD {
                    let mut slip = text.clone().into_bytes();
                    if slip[place] == letter {
                        continue;
                    }
                    slip[place] = letter;
                    slips += 1;
                    let read = String::from_utf8(slip).unwrap().parse::<TypedSecret>();
                    caught += u32::from(read == Err(CodeError::Damaged));
                }
            }
        }
        assert!((70..80).contains(&(caught * 100 / slips)), "{caught} of {slips}");
    }

    #[test]
    fn secrets_are_not_printed() {
        let printed = format!("{:?} {:?}", invitation(), invitation().secret.typed());
        assert_eq!(printed, "Invitation { .. } TypedSecret { .. }");
    }

    proptest! {
        #[test]
        fn codes_read_back(secret: [u8; 32], key: [u8; 32], expires in 1_i64.., port in 1_u16..) {
            let typed = PairingSecret(secret).typed();
            prop_assert_eq!(typed.text().parse::<TypedSecret>().unwrap(), typed);
            let at = [format!("laptop.local:{port}")];
            let key = Fingerprint(key);
            let shown = Invitation::new(key, PairingSecret(secret), &at, UtcMillis(expires));
            prop_assert_eq!(Invitation::read(&shown.text(), UtcMillis(0)).unwrap(), shown);
            prop_assert_eq!(key.to_string().parse::<Fingerprint>(), Ok(key));
        }

        #[test]
        fn one_wrong_letter_is_damage(place in 10_usize..100, letter in 0_usize..32) {
            let mut text = invitation().text().as_bytes().to_vec();
            prop_assume!(text[place] != BASE32[letter]);
            text[place] = BASE32[letter];
            let read = Invitation::read(&String::from_utf8(text).unwrap(), UtcMillis(0));
            prop_assert_eq!(read.unwrap_err(), CodeError::Damaged);
        }

        #[test]
        fn base32_reads_back_and_has_one_spelling(bytes: Vec<u8>, text in "[A-Z2-7]{0,20}") {
            prop_assert_eq!(&**from_base32(&to_base32(&bytes)).unwrap(), &bytes);
            if let Some(bytes) = from_base32(&text) {
                prop_assert_eq!(&**to_base32(&bytes), &text);
            }
        }
    }
}
