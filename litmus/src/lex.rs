//! The tokens of a litmus test.

/// A piece of the text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Token {
    /// A name, or a word of the language.
    Name(String),
    /// A number without a sign.
    Number(i64),
    /// An operator or a bracket, of one or two characters.
    Sign(&'static str),
    /// What stands behind `//`, up to the end of the line.
    Remark(String),
}

/// The longer ones first.
const SIGNS: &[&str] = &[
    "==", "!=", "<=", ">=", "/\\", "\\/", "(", ")", "{", "}", "[", "]", ";", ",", ":", "=", "<",
    ">", "+", "-", "*", "&", "|", "^", "~",
];

/// A token with the line it is in, counting from one.
pub type Placed = (Token, usize);

/// Takes a text apart; the first line has the number `line`.
///
/// # Errors
///
/// If a character belongs to no token.
pub fn tokens(mut text: &str, mut line: usize) -> Result<Vec<Placed>, String> {
    let mut tokens = Vec::new();
    while let Some(first) = text.chars().next() {
        let length = if first.is_whitespace() {
            line += usize::from(first == '\n');
            first.len_utf8()
        } else if let Some(remark) = text.strip_prefix("//") {
            let end = remark.find('\n').unwrap_or(remark.len());
            tokens.push((Token::Remark(remark[..end].trim().to_owned()), line));
            2 + end
        } else if text.starts_with("(*") {
            let end = text.find("*)").ok_or(format!("line {line}: the comment does not end"))? + 2;
            line += text[..end].matches('\n').count();
            end
        } else if first.is_ascii_digit() {
            let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            let number = text[..end].parse().map_err(|error| format!("line {line}: {error}"))?;
            tokens.push((Token::Number(number), line));
            end
        } else if first.is_ascii_alphabetic() || first == '_' {
            let is_inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = text.find(|c| !is_inside(c)).unwrap_or(text.len());
            tokens.push((Token::Name(text[..end].to_owned()), line));
            end
        } else if let Some(sign) = SIGNS.iter().find(|&&sign| text.starts_with(sign)) {
            tokens.push((Token::Sign(sign), line));
            sign.len()
        } else {
            return Err(format!("line {line}: unexpected `{first}`"));
        };
        text = &text[length..];
    }
    Ok(tokens)
}
