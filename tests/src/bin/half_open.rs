//! Opens connections to a port of this machine, begins a request on each and says nothing more:
//! `half_open PORT COUNT`. Says `ready` once they are open, and holds them until standard input ends.
#![allow(clippy::print_stdout, reason = "whoever started it waits for the word")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

fn main() {
    let mut args = std::env::args().skip(1).filter_map(|arg| arg.parse::<u16>().ok());
    let (Some(port), Some(count)) = (args.next(), args.next()) else { return };
    let open = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        // One that gave way already cannot be written to.
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHo");
        Some(stream)
    };
    let held: Vec<TcpStream> = (0..count).filter_map(|_| open()).collect();
    println!("ready");
    let _ = std::io::stdin().read(&mut [0]);
    drop(held);
}
