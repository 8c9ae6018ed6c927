//! The elements of the page. Every text is escaped here.

use crate::plot::{Chart, escaped};

const STYLE: &str = "body{font:15px/1.5 sans-serif;max-width:780px;margin:2em auto;padding:0 1em;color:#222}\
 table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .8em;border-bottom:1px solid #ddd;text-align:right}\
 td:first-child,th:first-child{text-align:left}svg{width:100%;height:auto;margin:.5em 0}";

/// A whole page.
pub fn page(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{0}</title>\n<style>{STYLE}</style></head>\n\
         <body>\n<h1>{0}</h1>\n{body}</body>\n</html>\n",
        escaped(title)
    )
}

pub fn heading(text: &str) -> String {
    format!("<h2>{}</h2>\n", escaped(text))
}

pub fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", escaped(text))
}

pub fn chart(chart: &Chart) -> String {
    format!("<figure>{}</figure>\n", chart.draw())
}

pub fn table(titles: &[&str], rows: &[Vec<String>]) -> String {
    let row = |cells: &[String], tag: &str| {
        let cells = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell)));
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    };
    let titles: Vec<String> = titles.iter().map(|title| (*title).to_owned()).collect();
    let rows: String = rows.iter().map(|cells| row(cells, "td")).collect();
    format!("<table>\n{}{rows}</table>\n", row(&titles, "th"))
}
