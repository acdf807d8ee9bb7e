//! The values of an evaluation that is under way.

use bloom_ir::Value;

/// A stack whose room is known beforehand. Pushing never allocates, and integers are worked on where they are: moving
/// values in and out is most of what a short expression costs.
#[derive(Debug, Default)]
pub(super) struct Stack {
    /// Above `top` there are nulls, and integers that are done with.
    values: Vec<Value>,
    top: usize,
}

impl Stack {
    /// Empties it and makes room for so many values.
    #[inline]
    pub(super) fn reset(&mut self, room: usize) {
        self.truncate(0);
        if self.values.len() < room {
            self.values.resize(room, Value::Null);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.top
    }

    #[inline]
    pub(super) fn truncate(&mut self, height: usize) {
        if height < self.top {
            for value in self.values.iter_mut().take(self.top).skip(height) {
                *value = Value::Null;
            }
            self.top = height;
        }
    }

    /// The room was made for every value that the program pushes.
    #[inline]
    pub(super) fn push(&mut self, value: Value) {
        if let Some(place) = self.values.get_mut(self.top) {
            *place = value;
            self.top += 1;
        }
    }

    /// The topmost value. Every program takes no more than it leaves, so there always is one.
    #[inline]
    pub(super) fn pop(&mut self) -> Value {
        self.top = self.top.saturating_sub(1);
        self.values.get_mut(self.top).map(std::mem::take).unwrap_or_default()
    }

    #[inline]
    pub(super) fn last(&self) -> &Value {
        const NULL: &Value = &Value::Null;
        self.values.get(self.top.wrapping_sub(1)).unwrap_or(NULL)
    }

    /// The topmost `count` values, the last one being the top.
    pub(super) fn tail(&self, count: usize) -> &[Value] {
        self.values.get(self.top.saturating_sub(count)..self.top).unwrap_or_default()
    }

    /// Takes the topmost `count` values.
    pub(super) fn take(&mut self, count: usize) -> Vec<Value> {
        let from = self.top.saturating_sub(count);
        let taken = self.values.get_mut(from..self.top).unwrap_or_default().iter_mut().map(std::mem::take).collect();
        self.top = from;
        taken
    }

    /// Replaces two integers by one; false when the two topmost values are none, or there is no result.
    #[inline]
    pub(super) fn integers(&mut self, operate: impl FnOnce(i64, i64) -> Option<i64>) -> bool {
        if let Some([Value::Int(left), Value::Int(right)]) = self.pair()
            && let Some(result) = operate(*left, *right)
        {
            *left = result;
            self.top -= 1;
            return true;
        }
        false
    }

    /// Replaces two integers by whether something holds for them; false when the two topmost values are none.
    #[inline]
    pub(super) fn compare_integers(&mut self, holds: impl FnOnce(i64, i64) -> bool) -> bool {
        if let Some([place, Value::Int(right)]) = self.pair()
            && let Value::Int(left) = place
        {
            *place = Value::Bool(holds(*left, *right));
            self.top -= 1;
            return true;
        }
        false
    }

    /// Replaces the two topmost values by one.
    pub(super) fn replace_pair<E>(
        &mut self,
        operate: impl FnOnce(&Value, &Value) -> Result<Value, E>,
    ) -> Result<(), E> {
        if let Some([left, right]) = self.pair() {
            *left = operate(left, right)?;
            *right = Value::Null;
            self.top -= 1;
        }
        Ok(())
    }

    #[inline]
    fn pair(&mut self) -> Option<&mut [Value; 2]> {
        let from = self.top.checked_sub(2)?;
        self.values.get_mut(from..self.top)?.try_into().ok()
    }
}
