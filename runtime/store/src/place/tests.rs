//! A store whose contents lie elsewhere, over objects in memory and over a stand-in that answers as S3 does.

use std::sync::Mutex;

use bloom_runtime::store::Store as _;
use bloom_worker::Trust;
use object_store::memory::InMemory;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::RedbStore;
use crate::conformance::CHECKS;

fn in_memory() -> (Arc<InMemory>, RedbStore) {
    let objects = Arc::new(InMemory::new());
    let place = Place::over(objects.clone(), "memory");
    (objects, RedbStore::in_memory().unwrap().with_place(place))
}

#[tokio::test(flavor = "multi_thread")]
async fn store_with_a_place_conforms() {
    for (name, check) in CHECKS {
        println!("{name}");
        check(Arc::new(in_memory().1)).await;
    }
}

#[tokio::test]
async fn contents_lie_in_the_place_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let objects = Arc::new(InMemory::new());
    let open = || RedbStore::open(folder.path()).unwrap();
    let early = open().put_blob(b"before".to_vec()).await.unwrap();
    let store = open().with_place(Place::over(objects.clone(), "memory"));
    let digest = store.put_blob(b"content".to_vec()).await.unwrap();
    let object = objects.get(&at(digest)).await.unwrap().bytes().await.unwrap();
    assert_eq!(&object[..], b"content");
    assert_eq!(store.put_blob(b"before".to_vec()).await.unwrap(), early);
    assert!(objects.head(&at(early)).await.is_err(), "what is in the file stays there");
    for digest in [early, digest] {
        assert_eq!(Digest::of(&store.blob(digest).await.unwrap().unwrap()), digest);
    }
    for (part, bytes) in [(0..2, "co"), (3..7, "tent"), (5..99, "nt"), (7..9, ""), (0..7, "content")] {
        let read = store.blob_part(digest, part).await.unwrap().unwrap();
        assert_eq!(String::from_utf8(read).unwrap(), bytes);
    }
    assert_eq!(store.blob_part(Digest::of(b"nothing"), 0..1).await.unwrap(), None);
    drop(store);
    // Who forgets to say where the place is hears that something is there, and not that nothing is.
    let store = open();
    for error in [store.blob(digest).await.unwrap_err(), store.blob_part(digest, 0..1).await.unwrap_err()] {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    }
    assert_eq!(store.blob(early).await.unwrap().as_deref(), Some(&b"before"[..]));
}

#[tokio::test]
async fn object_with_other_bytes_is_never_given() {
    let (objects, store) = in_memory();
    let digest = store.put_blob(b"content".to_vec()).await.unwrap();
    for other in ["cOntent", "content and more", ""] {
        objects.put(&at(digest), other.into()).await.unwrap();
        for error in [store.blob(digest).await.unwrap_err(), store.blob_part(digest, 2..4).await.unwrap_err()] {
            assert!(matches!(&error, StoreError::Damaged(what) if what.contains(&digest.hex())), "{error}");
        }
    }
    // The same bytes under another tag are the same bytes.
    objects.put(&at(digest), "content".into()).await.unwrap();
    assert_eq!(store.blob_part(digest, 2..4).await.unwrap().unwrap(), b"nt");
    objects.delete(&at(digest)).await.unwrap();
    let gone = store.blob(digest).await.unwrap_err();
    assert!(matches!(gone, StoreError::Unavailable(_)), "it may be put back: {gone}");
}

/// What a stand-in was asked: a request line and headers, in small letters.
type Asked = Arc<Mutex<Vec<String>>>;

/// Answers each request as `reply` says, byte for byte, and closes the connection.
async fn stand_in(reply: impl Fn(&str) -> String + Send + 'static) -> (Place, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let heard = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            let head = loop {
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).await.unwrap();
                request.extend_from_slice(&buffer[..read]);
                let text = String::from_utf8_lossy(&request).to_lowercase();
                let Some((head, body)) = text.split_once("\r\n\r\n") else {
                    assert!(read > 0, "a request ends");
                    continue;
                };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                    break head.to_owned();
                }
            };
            heard.lock().unwrap().push(head.clone());
            // Whoever hangs up first wants no answer.
            let _ = stream.write_all(reply(&head).as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (bucket(endpoint), asked)
}

fn bucket(endpoint: String) -> Place {
    let bucket = Bucket {
        endpoint,
        name: "artifacts".to_owned(),
        region: "us-east-1".to_owned(),
        access_key: "id".to_owned(),
        secret_key: SecretString::from("s3cr3t"),
    };
    Place::bucket(&bucket, Trust::usual().client().build().unwrap()).unwrap()
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    let tag = "etag: \"t1\"\r\nlast-modified: Sat, 01 Nov 2025 00:00:00 GMT\r\n";
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{tag}{headers}content-length: {length}\r\n\r\n{body}")
}

fn fault(status: &str, code: &str) -> String {
    answer(status, "", &format!("<Error><Code>{code}</Code><Message>no</Message></Error>"))
}

#[tokio::test]
async fn start_check_says_what_is_wrong() {
    let (place, asked) = stand_in(|_| fault("403 Forbidden", "InvalidAccessKeyId")).await;
    let refused = place.check().await.unwrap_err();
    assert!(matches!(&refused, PlaceError::Refused { cause, .. } if cause.contains("InvalidAccessKeyId")), "{refused}");
    let head = asked.lock().unwrap()[0].clone();
    assert!(head.starts_with("put /artifacts/sha256/") && head.contains("aws4-hmac-sha256 credential=id/"), "{head}");
    assert!(!head.contains("s3cr3t") && !format!("{place:?} {refused:?}").contains("s3cr3t"));

    let (place, _) = stand_in(|_| fault("404 Not Found", "NoSuchBucket")).await;
    let missing = place.check().await.unwrap_err();
    assert!(matches!(&missing, PlaceError::Missing { cause, .. } if cause.contains("NoSuchBucket")), "{missing}");

    let (place, _) = stand_in(|_| answer("200 OK", "", "<html>hello</html>")).await;
    let other = place.check().await.unwrap_err();
    assert!(matches!(other, PlaceError::Changed { .. }), "{other}");

    // A port that nobody listens at.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let down = bucket(format!("http://{closed}")).check().await.unwrap_err();
    assert!(matches!(down, PlaceError::Unreachable { .. }), "{down}");
    let store = RedbStore::in_memory().unwrap().with_place(bucket(format!("http://{closed}")));
    let error = store.put_blob(b"content".to_vec()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert_eq!(store.blob(Digest::of(b"content")).await.unwrap(), None, "nothing refers to what is not there");
}

#[tokio::test]
async fn part_is_asked_for_as_a_part() {
    let whole = "0123456789".repeat(1000);
    let (place, asked) = stand_in(|head| {
        if head.starts_with("put") {
            answer("200 OK", "", "")
        } else {
            answer("206 Partial Content", "content-range: bytes 20-24/10000\r\n", "01234")
        }
    })
    .await;
    let digest = Digest::of(whole.as_bytes());
    let placed = place.put(digest, whole.into_bytes()).await.unwrap();
    assert_eq!(place.part(digest, &placed, 20..25).await.unwrap(), b"01234");
    let asked = asked.lock().unwrap();
    assert!(asked[1].contains("range: bytes=20-24") && asked[1].contains("if-match: \"t1\""), "{asked:?}");
    assert_eq!(asked.len(), 2);
}

#[tokio::test]
async fn body_that_is_cut_is_no_content() {
    let cut = |_: &str| answer("200 OK", "", "content").replace("content-length: 7", "content-length: 70");
    let (place, _) = stand_in(cut).await;
    let placed = Placed { bytes: 70, e_tag: None };
    let error = place.get(Digest::of(b"content"), &placed).await.unwrap_err();
    assert!(matches!(error, PlaceError::Unreachable { .. }), "{error}");

    // The rest is asked for, where it can be had.
    let (place, asked) = stand_in(|head| {
        if head.contains("\r\nrange: bytes=4-") {
            answer("206 Partial Content", "content-range: bytes 4-6/7\r\n", "ent")
        } else {
            answer("200 OK", "", "cont").replace("content-length: 4", "content-length: 7")
        }
    })
    .await;
    let placed = Placed { bytes: 7, e_tag: None };
    assert_eq!(place.get(Digest::of(b"content"), &placed).await.unwrap(), b"content");
    assert_eq!(asked.lock().unwrap().len(), 2);
}
