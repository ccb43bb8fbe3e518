//! What holds for any bytes that are read as a frame or a greeting. `crate::wire` is the library's
//! module, wherever this is compiled.

use crate::wire::{Body, Greeting, decode, decode_greeting, encode, encode_greeting};

/// Reads `bytes` both ways; says what is wrong, or how often they were something.
pub(crate) fn check(bytes: &[u8]) -> Result<u32, String> {
    let mut read = 0;
    if let Ok(frame) = decode(bytes) {
        let mut again = Vec::new();
        encode(&frame, &mut again);
        if again != bytes {
            return Err(format!("{frame:?} has two forms"));
        }
        if let Body::Data(archives) = frame.body {
            let (count, sum) = archives
                .iter()
                .fold((0, 0), |(count, sum), archive| (count + 1, sum + archive.len()));
            if count == 0 || 17 + 4 * count + sum != bytes.len() {
                return Err(format!("{count} messages of {sum} bytes in {} bytes", bytes.len()));
            }
        }
        read += 1;
    }
    if let Ok(greeting) = decode_greeting(bytes) {
        let again = encode_greeting(&greeting);
        if decode_greeting(&again).as_ref() != Ok(&greeting) {
            return Err(format!("{greeting:?} is not read as it was written"));
        }
        if !matches!(greeting, Greeting::OtherVersion(..)) && again != bytes {
            return Err(format!("{greeting:?} has two forms"));
        }
        read += 1;
    }
    if read > 1 {
        return Err("a frame and a greeting at once".to_owned());
    }
    Ok(read)
}
