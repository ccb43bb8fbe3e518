//! A server in one thread around mio, with its heavy work behind a channel: one `epoll` waits for
//! connections and for what the worker answers.
//!
//! Each TEXT is sent by a client of its own, which gets the SHA-256 sum of it.
//!
//! ```text
//! cargo run --release --features fd --example mio_loop -- tea 'two words'
//! ```

#[cfg(target_os = "linux")]
mod server;

#[cfg(target_os = "linux")]
fn main() -> Result<(), message_port::BoxError> {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpStream;
    use std::thread;

    let mut texts: Vec<_> = std::env::args().skip(1).collect();
    if texts.is_empty() {
        texts = ["tea", "coffee", "water"].map(str::to_owned).into();
    }
    let server = server::Server::bind()?;
    let address = server.address()?;
    let clients: Vec<_> = texts
        .into_iter()
        .map(|text| {
            thread::spawn(move || {
                let mut stream = TcpStream::connect(address)?;
                writeln!(stream, "{text}")?;
                let mut sum = String::new();
                BufReader::new(stream).read_line(&mut sum)?;
                Ok::<_, std::io::Error>(format!("{}  {text}", sum.trim_end()))
            })
        })
        .collect();
    server.serve(clients.len())?;
    for client in clients {
        println!("{}", client.join().map_err(|_| "a client panicked")??);
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("a port has a file descriptor on Linux only");
}
