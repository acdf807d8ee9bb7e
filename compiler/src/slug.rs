//! Ids of flows from the names of files.

/// The name in `[a-z0-9-]{1,64}`, Ukrainian letters by the national romanisation (Cabinet resolution 55 of 2010).
pub(crate) fn slug(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' => slug.push(letter),
            'ь' | '\'' | '’' | 'ʼ' | '\u{301}' => {}
            _ => match latin(letter) {
                Some(latin) => slug.push_str(latin),
                None if slug.is_empty() || slug.ends_with('-') => {}
                None => slug.push('-'),
            },
        }
        if slug.len() >= 64 {
            slug.truncate(64);
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "flow".to_owned() } else { slug.to_owned() }
}

fn latin(letter: char) -> Option<&'static str> {
    Some(match letter {
        'а' => "a",
        'б' => "b",
        'в' => "v",
        'г' => "h",
        'ґ' => "g",
        'д' => "d",
        'е' | 'э' => "e",
        'є' => "ie",
        'ж' => "zh",
        'з' => "z",
        'и' | 'ы' => "y",
        'і' | 'й' | 'ї' => "i",
        'к' => "k",
        'л' => "l",
        'м' => "m",
        'н' => "n",
        'о' => "o",
        'п' => "p",
        'р' => "r",
        'с' => "s",
        'т' => "t",
        'у' => "u",
        'ф' => "f",
        'х' => "kh",
        'ц' => "ts",
        'ч' => "ch",
        'ш' => "sh",
        'щ' => "shch",
        'ю' => "iu",
        'я' => "ia",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_latin() {
        assert_eq!(slug("Щоденний аналіз"), "shchodennyi-analiz");
        assert_eq!(slug("пам'ять"), "pamiat");
        assert_eq!(slug("main-flow v2"), "main-flow-v2");
        assert_eq!(slug("---"), "flow");
        assert_eq!(slug("日本"), "flow");
    }

    #[test]
    fn a_slug_is_never_too_long() {
        let long = slug(&"щ".repeat(100));
        assert!(long.len() <= 64 && long.is_ascii(), "{long}");
    }
}
