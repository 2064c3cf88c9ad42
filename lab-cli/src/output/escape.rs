//! Characters that a terminal obeys are made visible.
//!
//! Names, tags, log lines and error messages come from an account that others can write to. Printed as they are, they could
//! retitle or clear the terminal, fill its clipboard, or pass for a line of this program. `kubectl` had that fault
//! (CVE-2021-25743) and writes `^[` for ESC and `\r` for CR since; here the same holds for every control character, and for
//! those that change the direction or the end of a line.

/// What stands before each further line of a text that was given as one line.
const CONTINUATION: &str = "    | ";

/// Whether a terminal acts on a character instead of showing it: C0, DEL and C1, the line and paragraph separators, and
/// Unicode's property `Bidi_Control`. A tab only moves to the right and stays.
fn acts(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// The visible form: `^[` and its like as `cat -v` has it, `\r`, and `\u{202e}`.
fn push(c: char, to: &mut String) {
    match c {
        '\n' => to.push_str("\\n"),
        '\r' => to.push_str("\\r"),
        '\0'..='\u{1f}' | '\u{7f}' => {
            to.push('^');
            // ESC is `^[`, BEL `^G`, DEL `^?`.
            to.push(char::from((c as u8) ^ 0x40));
        }
        other => to.extend(other.escape_unicode()),
    }
}

/// A text within a line: line breaks are shown too.
pub(crate) fn inline(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            push(c, &mut shown);
        } else {
            shown.push(c);
        }
    }
    shown
}

/// One line. A line break in it can only come from outside, so what follows is indented and marked, and cannot pass for a line
/// of its own. Line breaks at the end are left out.
pub(super) fn line(text: &str) -> String {
    let text = text.trim_end_matches(['\n', '\r']);
    let indent = text.len() - text.trim_start_matches(' ').len();
    let mut shown = String::with_capacity(text.len());
    for (number, part) in text.split('\n').enumerate() {
        if number > 0 {
            shown.push('\n');
            shown.push_str(&text[..indent]);
            shown.push_str(CONTINUATION);
        }
        shown.push_str(&inline(part.strip_suffix('\r').unwrap_or(part)));
    }
    shown
}

/// Several lines of this program, whose parts from outside cannot break a line.
pub(super) fn lines(text: &str) -> String {
    text.trim_end_matches('\n')
        .split('\n')
        .map(|part| inline(part) + "\n")
        .collect()
}

/// A JSON document. JSON demands escapes for C0 only; the rest of what a terminal acts on is escaped as JSON does it, which
/// changes no value. Outside of its texts a document has none of these.
pub(super) fn json(document: &str) -> String {
    let mut shown = String::with_capacity(document.len());
    for c in document.chars() {
        if acts(c) && c != '\n' {
            shown.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    /// Every character that may reach a terminal from a text: printable, a tab, or a line break of ours. Said apart from the
    /// code: General_Category Cc, and Bidi_Control with the two separators before it (Unicode 17.0).
    fn is_harmless(shown: &str) -> bool {
        let turns = "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
        shown.chars().all(|c| {
            let code = u32::from(c);
            matches!(c, '\n' | '\t')
                || !(code < 0x20 || (0x7f..0xa0).contains(&code) || turns.contains(c))
        })
    }

    #[test]
    fn each_control_character_is_shown_and_none_is_left() {
        // `cat -v` for C0 and DEL; Unicode 17.0, PropList.txt, Bidi_Control for the last group.
        let cases = [
            ("\u{1b}]0;title\u{7}", "^[]0;title^G"),
            ("\u{1b}[31mred\u{1b}[0m", "^[[31mred^[[0m"),
            ("\0\u{8}\u{b}\u{c}\u{1f}\u{7f}", "^@^H^K^L^_^?"),
            ("\r\u{1b}[Kover", "\\r^[[Kover"),
            (
                "\u{9b}2J\u{80}\u{85}\u{9f}",
                "\\u{9b}2J\\u{80}\\u{85}\\u{9f}",
            ),
            (
                "a\u{202e}b\u{2066}c\u{2069}",
                "a\\u{202e}b\\u{2066}c\\u{2069}",
            ),
            ("\u{200e}\u{200f}\u{61c}", "\\u{200e}\\u{200f}\\u{61c}"),
            ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
            ("tab\tand grüße, 你好, 👩‍💻", "tab\tand grüße, 你好, 👩‍💻"),
        ];
        for (text, expected) in cases {
            assert_eq!(inline(text), expected);
            assert_eq!(line(text), expected);
            assert!(is_harmless(&json(&serde_json::to_string(text).unwrap())));
        }
        for c in (0..=0x2100).filter_map(char::from_u32) {
            assert!(is_harmless(&inline(&c.to_string())), "{:x}", u32::from(c));
        }
    }

    #[test]
    fn a_further_line_is_marked_as_one() {
        let forged = "2026-01-01 line one\nreported sg-0 COMPLIANT: forged\r\n  and more\n";
        assert_eq!(
            line(forged),
            "2026-01-01 line one\n    | reported sg-0 COMPLIANT: forged\n    |   and more"
        );
        assert_eq!(line("  a\nb"), "  a\n      | b");
        assert_eq!(inline("a\nb"), "a\\nb");
        assert_eq!(lines("one\n  two\u{7}\n"), "one\n  two^G\n");
    }

    #[test]
    fn json_keeps_its_values() {
        let value =
            serde_json::json!({"a": "\u{1b}[2J \u{9b} \u{7f} \u{202e} \n \u{85}", "b": ["ü"]});
        let shown = json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(is_harmless(&shown), "{shown}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&shown).unwrap(),
            value
        );
    }
}
