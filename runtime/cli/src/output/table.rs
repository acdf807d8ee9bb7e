//! Tables for people: columns by display width, so that Cyrillic and wide letters line up.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use super::one_line;

/// Rows of the same number of cells under a head.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn with_head<const COLUMNS: usize>(head: [String; COLUMNS]) -> Self {
        Self { rows: vec![head.into()] }
    }

    pub(crate) fn row<const COLUMNS: usize>(&mut self, cells: [String; COLUMNS]) {
        // A line break or a control character in a title must not break the table or reach the terminal.
        self.rows.push(cells.into_iter().map(|cell| one_line(&cell)).collect());
    }

    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let columns = self.rows.first().map_or(0, Vec::len);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0)
            })
            .collect();
        for (number, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                if !line.is_empty() {
                    line.push_str("  ");
                }
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width())));
            }
            let line = line.trim_end();
            if number == 0 {
                let bold = anstyle::Style::new().bold();
                writeln!(out, "{bold}{line}{bold:#}")?;
            } else {
                writeln!(out, "{line}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_display_width() {
        let mut table = Table::with_head(["ID".to_owned(), "STATUS".to_owned()]);
        table.row(["архіваріус".to_owned(), "готово".to_owned()]);
        table.row(["a\nb\u{1b}[31m".to_owned(), "x".to_owned()]);
        let mut bytes = Vec::new();
        table.write(&mut bytes).unwrap();
        let text = anstream::adapter::strip_str(std::str::from_utf8(&bytes).unwrap()).to_string();
        assert_eq!(text, "ID          STATUS\nархіваріус  готово\na b [31m    x\n");
    }
}
