//! Searches of folders in memory.

use bloom_tool::testing::Host;

use super::*;

fn garden() -> Host {
    Host::new()
        .file_of(ROOT, "скрипка/смичок.md", "---\ntitle: Догляд за смичком\ntags: [смичок, догляд]\nupdated: 2026-02-14\n---\nКаніфоль, волос і тростина.", 5)
        .file_of(ROOT, "скрипка/штрихи.md", "# Штрихи\n\nДеташе ведуть усім смичком, мартле — короткими рухами.", 7)
        .file_of(ROOT, "пам'ять.md", "Як пам’ять тримає мелодію: вчимося без нот.", 9)
        .file_of(ROOT, "english/bow-changes.md", "# Bow changes\n\nNobody hears the change when the bow is slow.", 3)
        .file_of(ROOT, "picture.png", [0xff, 0xd8], 1)
}

fn input(query: &str) -> Input {
    Input { query: query.into(), folder: String::new(), tags: Vec::new(), limit: 10, offset: 0 }
}

fn search(input: Input) -> Output {
    garden().run(|| search_notes(input)).unwrap()
}

fn slugs(input: Input) -> Vec<String> {
    search(input).results.into_iter().map(|found| found.slug).collect()
}

#[test]
fn words_are_found_in_all_their_forms_and_titles_come_first() {
    assert_eq!(slugs(input("СМИЧКИ")), ["скрипка/смичок", "скрипка/штрихи"]);
    assert_eq!(slugs(input("мелодії памʼяті")), ["пам'ять"]);
    assert_eq!(slugs(input("changing bows")), ["english/bow-changes"]);
    assert!(slugs(input("віолончель")).is_empty());
}

#[test]
fn what_was_found_says_what_it_is_and_why_it_fits() {
    let found = search(input("каніфоллю"));
    assert_eq!((found.total, found.next_offset, found.skipped.len()), (1, None, 0));
    let note = &found.results[0];
    assert_eq!(
        (note.title.as_str(), note.updated_at, note.path.as_str()),
        ("Догляд за смичком", 1_771_027_200_000, "скрипка/смичок.md")
    );
    assert_eq!(
        (note.tags.as_slice(), note.snippet.as_str()),
        (["смичок".to_owned(), "догляд".to_owned()].as_slice(), "Каніфоль, волос і тростина.")
    );
    assert!(note.score > 0.0);
}

#[test]
fn a_folder_and_tags_narrow_the_search() {
    let below = Input { folder: "english/".into(), ..input("bow смичок") };
    assert_eq!(slugs(below), ["english/bow-changes"]);
    let tagged = Input { tags: vec!["#Догляд".into()], ..input("смичок") };
    assert_eq!(slugs(tagged), ["скрипка/смичок"]);
}

#[test]
fn parts_join_to_the_whole() {
    let words = "смичок bow мелодія";
    let whole = slugs(input(words));
    let (mut joined, mut offset) = (Vec::new(), Some(0));
    while let Some(at) = offset {
        let part = search(Input { limit: 1, offset: at, ..input(words) });
        assert_eq!((part.total, part.results.len()), (4, 1));
        joined.extend(part.results.into_iter().map(|found| found.slug));
        offset = part.next_offset;
    }
    assert_eq!(joined, whole);
    let beyond = search(Input { offset: 1_000_000, ..input(words) });
    assert_eq!((beyond.total, beyond.results.len(), beyond.next_offset), (4, 0, None));
}

#[test]
fn a_query_without_words_is_refused() {
    assert_eq!(garden().run(|| search_notes(input(" — ?"))).unwrap_err().code, "empty_query");
}

#[test]
fn bytes_that_are_no_text_are_searched_as_far_as_they_are() {
    let files = Host::new()
        .file_of(ROOT, "a.md", [b"\xff\xfe \0 ".as_slice(), "смичок".as_bytes(), b" \xc3\x28"].concat(), 1)
        .file_of(ROOT, "b.md", "їжак".repeat(100_000), 1)
        .file_of(ROOT, "c.md", "---\ntitle: [\n---\nсмичка", 1);
    let found = files.run(|| search_notes(input("смичок"))).unwrap();
    let paths: Vec<&str> = found.results.iter().map(|found| found.path.as_str()).collect();
    assert_eq!(paths, ["a.md", "c.md"]);
    assert!(found.results[0].snippet.contains("смичок"));
}
