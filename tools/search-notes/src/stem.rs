//! What the forms of a word have in common: light stemming of Ukrainian and English, by their endings.
//!
//! A stem is compared with stems and shown to nobody. It may join words that have nothing in common (`сон` and `сіно`); a word in
//! the form that was asked for counts more for that.

/// Endings of nouns and adjectives, the longest first; a single vowel is one besides.
const OF_NOUNS: [&str; 40] = [
    "ього", "ьому", "ьої", "ьою", "ість", "ості", "істю", "ові", "еві", "єві", "ами", "ями", "ими", "іми", "їми",
    "ого", "ому", "ам", "ям", "ах", "ях", "ом", "ем", "єм", "ою", "ею", "єю", "ів", "їв", "ей", "єй", "ий", "ій", "їй",
    "им", "ім", "их", "іх", "їх", "ої",
];

/// Endings of verbs, and of nouns that are made of verbs. Some words could be both, as `сонати`, and then have two stems.
const OF_VERBS: [&str; 72] = [
    "аннями",
    "еннями",
    "анням",
    "аннях",
    "енням",
    "еннях",
    "увати",
    "ювати",
    "ували",
    "увала",
    "ання",
    "анню",
    "ення",
    "енню",
    "ував",
    "ують",
    "юють",
    "ати",
    "яти",
    "ити",
    "іти",
    "їти",
    "ути",
    "емо",
    "ємо",
    "имо",
    "їмо",
    "ете",
    "єте",
    "ите",
    "їте",
    "ала",
    "али",
    "ало",
    "яла",
    "яли",
    "яло",
    "ила",
    "или",
    "ило",
    "іла",
    "іли",
    "іло",
    "уть",
    "ють",
    "ать",
    "ять",
    "ить",
    "їть",
    "ань",
    "ень",
    "ав",
    "яв",
    "ив",
    "ів",
    "їв",
    "еш",
    "єш",
    "иш",
    "їш",
    "ує",
    "ає",
    "яє",
    "ую",
    "аю",
    "яю",
    "ти",
    "ла",
    "ло",
    "ли",
    "ть",
    "в",
];

/// The stems of a word: one, or two of which the second is of the word as a verb. Empty where there is none.
#[derive(Debug, Default)]
pub struct Stems([String; 2]);

impl Stems {
    /// Writes those of a folded word over what is there.
    pub fn set(&mut self, word: &str) {
        let [stem, of_verb] = &mut self.0;
        stem.clear();
        of_verb.clear();
        match word.chars().next() {
            Some('а'..='я' | 'ѐ'..='џ') => {
                let reflexive = word.strip_suffix("ся").or_else(|| word.strip_suffix("сь"));
                let active = reflexive.filter(|rest| letters(rest) >= 4);
                let word = active.unwrap_or(word);
                let vowel = word.strip_suffix(is_vowel_or_yot).filter(|rest| letters(rest) >= 3);
                ukrainian(without(word, &OF_NOUNS).or(vowel).unwrap_or(word), stem);
                if let Some(verb) = without(word, &OF_VERBS) {
                    ukrainian(verb, of_verb);
                }
            }
            Some('a'..='z') if word.is_ascii() => english(word, stem),
            _ => stem.push_str(word),
        }
    }

    /// Whether two words have a stem in common.
    pub fn meet(&self, other: &Self) -> bool {
        let Self([stem, of_verb]) = self;
        let [other, other_of_verb] = &other.0;
        stem == other
            || (!of_verb.is_empty() && (of_verb == other || of_verb == other_of_verb))
            || stem == other_of_verb
    }
}

/// What is left without the longest of these endings.
fn without<'a>(word: &'a str, endings: &[&str]) -> Option<&'a str> {
    let last = word.as_bytes().last();
    endings.iter().find_map(|ending| {
        // Most endings are passed over by their last byte.
        let rest = if ending.as_bytes().last() == last { word.strip_suffix(ending)? } else { return None };
        // `основі` is of `основа`, and `вчителеві` of `вчитель`.
        let shortest = if ending.ends_with("ві") { 5 } else { 3 };
        (letters(rest) >= shortest && rest.contains(is_vowel_or_yot)).then_some(rest)
    })
}

fn ukrainian(base: &str, stem: &mut String) {
    // The soft sign comes and goes between forms: `палець`, `пальця`.
    stem.extend(base.chars().filter(|letter| *letter != 'ь'));
    while letters(stem) > 3 && stem.ends_with(is_vowel_or_yot) {
        stem.pop();
    }
    // `навчання`, `навчань`
    let mut ends = stem.chars().rev();
    if letters(stem) > 3 && ends.next() == ends.next() {
        stem.pop();
    }
    // `скрипка`, `скрипці`; `нога`, `нозі`; `муха`, `мусі`
    if let Some(last) = stem.pop() {
        stem.push(match last {
            'ц' | 'ч' => 'к',
            'з' | 'ж' => 'г',
            'с' | 'ш' => 'х',
            other => other,
        });
    }
    fleeting_vowel(stem);
}

/// The vowel of a closed last syllable changes or goes away: `смичок`, `смичка`; `вечір`, `вечора`; `ніч`, `ночі`.
fn fleeting_vowel(stem: &mut String) {
    let mut ends = stem.char_indices().rev();
    let (Some((_, last)), Some((at, vowel)), Some((_, before))) = (ends.next(), ends.next(), ends.next()) else {
        return;
    };
    if is_vowel_or_yot(last) || is_vowel_or_yot(before) || !matches!(vowel, 'о' | 'е' | 'і') {
        return;
    }
    stem.truncate(at);
    if letters(stem) < 3 {
        stem.push('о');
    }
    stem.push(last);
}

fn is_vowel_or_yot(letter: char) -> bool {
    matches!(letter, 'а' | 'е' | 'є' | 'и' | 'і' | 'ї' | 'о' | 'у' | 'ю' | 'я' | 'й' | 'ь')
}

fn letters(text: &str) -> usize {
    text.chars().count()
}

fn english(word: &str, stem: &mut String) {
    let mut base = word;
    let mut y = false;
    if let Some(rest) = base.strip_suffix("ies").or_else(|| base.strip_suffix("ied")).filter(|rest| rest.len() > 2) {
        (base, y) = (rest, true);
    } else if let Some(rest) = base
        .strip_suffix("es")
        .filter(|rest| rest.ends_with(['s', 'x', 'z']) || rest.ends_with("ch") || rest.ends_with("sh"))
    {
        base = rest;
    } else if let Some(rest) = base.strip_suffix('s').filter(|rest| rest.len() > 2 && !rest.ends_with(['s', 'u', 'i']))
    {
        base = rest;
    }
    let verb = base.strip_suffix("ing").or_else(|| base.strip_suffix("ed"));
    if let Some(rest) = verb.filter(|rest| !y && rest.len() > 2 && rest.contains(is_english_vowel)) {
        base = rest;
        let bytes = base.as_bytes();
        let doubled = bytes.len() > 3 && bytes[bytes.len() - 1] == bytes[bytes.len() - 2];
        if doubled && !base.ends_with(['l', 's', 'z']) {
            base = &base[..base.len() - 1];
        }
    } else if let Some(rest) = base.strip_suffix("ly").filter(|rest| !y && rest.len() > 3) {
        base = rest;
    }
    stem.push_str(base);
    if y {
        stem.push('y');
    } else if stem.len() > 3 && stem.ends_with('e') {
        stem.pop();
    }
}

fn is_english_vowel(letter: char) -> bool {
    matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(word: &str) -> Stems {
        let mut stems = Stems::default();
        stems.set(word);
        stems
    }

    /// Every form is found by the first one, and finds it.
    fn meet(forms: &str) {
        let mut forms = forms.split(' ');
        let first = forms.next().unwrap();
        for form in forms {
            assert!(
                of(first).meet(&of(form)) && of(form).meet(&of(first)),
                "{first} {:?}, {form} {:?}",
                of(first),
                of(form)
            );
        }
    }

    #[test]
    fn ukrainian_forms_have_one_stem() {
        for forms in [
            "скрипка скрипки скрипці скрипку скрипкою скрипко скрипок скрипкам скрипками скрипках",
            "смичок смичка смичку смичком смички смичків смичкам смичками смичках",
            "нота ноти ноті ноту нотою нот нотам нотами нотах",
            "нотатка нотатки нотатці нотатку нотаток нотатками",
            "соната сонати сонаті сонату сонатою сонат сонатами",
            "звук звука звуку звуки звуків звуком звуками звуках",
            "вечір вечора вечору вечори вечорів вечором",
            "ніч ночі ніччю ночей ночами",
            "стіл стола столу столи столів столом",
            "камінь каменя каменю каменем камені каменів",
            "палець пальця пальцю пальці пальців пальцями",
            "навчання навчанню навчанням навчань",
            "память памяті памятю",
            "мелодія мелодії мелодію мелодією мелодій мелодіями",
            "чистий чиста чисте чистого чистому чистою чисті чистих чистими",
            "синій синя синє синього синьому синю сині синіх синіми",
            "грати граю граєш грає граємо грають грав грала грали",
            "читати читаю читає читають читав читала читали читання",
            "вчитель вчителя вчителю вчителеві вчителем вчителі вчителів",
            "основа основи основі основу основою основ",
            "любов любові",
            "вікно вікна вікну вікон вікнами",
            "швидкість швидкості швидкістю",
            "навчатися навчаюся навчається навчався навчалася",
            "робити робив робила робимо",
            "кантата кантати кантат",
            "мотив мотиви мотивів мотивом",
            "розмова розмови розмові розмов",
            "вібрато",
        ] {
            meet(forms);
        }
    }

    #[test]
    fn english_forms_have_one_stem() {
        for forms in [
            "bow bows bowed bowing",
            "practice practices practiced practicing",
            "study studies studied studying",
            "string strings",
            "class classes",
            "box boxes",
            "stop stops stopped stopping",
            "play plays played playing",
            "slow slowly",
            "scale scales",
        ] {
            meet(forms);
        }
    }

    #[test]
    fn other_words_have_other_stems() {
        for pair in [
            "скрипка скрипаль",
            "соната сонет",
            "лад лід",
            "рука ріка",
            "мова мета",
            "тон тема",
            "темп тембр",
            "вода вид",
            "bass base",
            "ring rang",
            "sing song",
            "музика музей",
            "рік рука",
            "bus bu",
        ] {
            let (one, other) = pair.split_once(' ').unwrap();
            assert!(!of(one).meet(&of(other)), "{pair}: {:?} {:?}", of(one), of(other));
        }
    }

    #[test]
    fn short_words_and_numbers_stay() {
        for word in ["я", "ми", "до", "a", "is", "440", "東京"] {
            assert_eq!(of(word).0[0], word);
        }
    }
}
