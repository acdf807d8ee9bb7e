//! Settings of the store that are asked for at every request: they are read once, and known from then on.

use std::sync::{Arc, PoisonError, RwLock};

use bloom_runtime::record::AuditNote;
use bloom_runtime::store::Store;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use crate::error::ApiError;

/// A setting. Nobody else writes it while the server has the store.
pub(crate) struct Kept<T>(Arc<Inner<T>>);

struct Inner<T> {
    name: &'static str,
    /// As the store has it; `None` where that is not known.
    known: RwLock<Option<Arc<T>>>,
    /// Held by who reads it from the store, or changes it.
    changing: Mutex<()>,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static> Kept<T> {
    /// The setting of this name.
    pub(crate) fn new(name: &'static str) -> Self {
        Self(Arc::new(Inner { name, known: RwLock::default(), changing: Mutex::default() }))
    }

    /// As it is now.
    pub(crate) async fn read(&self, store: &Arc<dyn Store>) -> Result<Arc<T>, ApiError> {
        if let Some(known) = self.known() {
            return Ok(known);
        }
        let _changing = self.0.changing.lock().await;
        self.load(store).await
    }

    /// Changes it, with a note in the audit log. What is changed is known to all when this returns.
    pub(crate) async fn change<R: Send + 'static>(
        &self,
        store: &Arc<dyn Store>,
        change: impl FnOnce(&mut T) -> Result<(R, AuditNote), ApiError> + Send + 'static,
    ) -> Result<R, ApiError> {
        let (kept, store) = (self.clone(), store.clone());
        // Whoever asked for it may go away meanwhile: what was written must become known all the same.
        let changed = tokio::spawn(async move {
            let _changing = kept.0.changing.lock().await;
            let mut value = T::clone(&*kept.load(&store).await?);
            let (told, note) = change(&mut value)?;
            let text = serde_json::to_string(&value).map_err(|error| ApiError::internal(&error))?;
            // Where writing fails, what the store has is not known until it is read again.
            kept.know(None);
            store.put_setting(kept.0.name, text, vec![note]).await?;
            kept.know(Some(Arc::new(value)));
            Ok(told)
        });
        changed.await.map_err(|lost| ApiError::internal(&lost))?
    }

    /// For who holds `changing`.
    async fn load(&self, store: &Arc<dyn Store>) -> Result<Arc<T>, ApiError> {
        if let Some(known) = self.known() {
            return Ok(known);
        }
        let value = match store.setting(self.0.name).await? {
            Some(text) => serde_json::from_str(&text).map_err(|error| ApiError::internal(&error))?,
            None => T::default(),
        };
        let value = Arc::new(value);
        self.know(Some(value.clone()));
        Ok(value)
    }

    fn known(&self) -> Option<Arc<T>> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn know(&self, value: Option<Arc<T>>) {
        *self.0.known.write().unwrap_or_else(PoisonError::into_inner) = value;
    }
}

#[cfg(test)]
mod tests {
    use bloom_runtime::record::Actor;
    use bloom_store::RedbStore;

    use super::*;

    fn adding(word: &str) -> impl FnOnce(&mut Vec<String>) -> Result<((), AuditNote), ApiError> + Send + 'static {
        let word = word.to_owned();
        move |words| {
            words.push(word);
            Ok(((), AuditNote::new(1, &Actor("owner".to_owned()), "word_added", ("word", "x"))))
        }
    }

    #[tokio::test]
    async fn what_is_written_is_known_also_where_who_asked_has_gone() {
        let store: Arc<dyn Store> = Arc::new(RedbStore::in_memory().unwrap());
        let kept = Kept::<Vec<String>>::new("words");
        assert!(kept.read(&store).await.unwrap().is_empty());
        let mut left = Box::pin(kept.change(&store, adding("a")));
        assert!(futures::poll!(left.as_mut()).is_pending());
        drop(left);
        kept.change(&store, adding("b")).await.unwrap();
        assert_eq!(*kept.read(&store).await.unwrap(), ["a", "b"]);
        assert_eq!(store.setting("words").await.unwrap().unwrap(), r#"["a","b"]"#);
    }

    #[tokio::test]
    async fn what_is_refused_changes_nothing() {
        let store: Arc<dyn Store> = Arc::new(RedbStore::in_memory().unwrap());
        let kept = Kept::<Vec<String>>::new("words");
        let refused = kept.change(&store, |words: &mut Vec<String>| {
            words.push(String::from("a"));
            Err::<((), AuditNote), _>(ApiError::not_found("word", "a"))
        });
        assert!(refused.await.is_err());
        assert!(kept.read(&store).await.unwrap().is_empty());
        assert_eq!(store.setting("words").await.unwrap(), None);
    }
}
