//! Queries on tables in the clear and in the trace, against SQLite's answers and against rows in the clear.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use arras_approx::Polynomial;
use arras_apps::table::{Answer, Cell, Schema, from_csv};
use arras_apps::{Error, Need, Prepared, Program, Table};
use arras_circuits::{Clear, Op, Sign};
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use serde::Deserialize;

/// As good a sign as a program needs: (35 x - 35 x^3 + 21 x^5 - 5 x^7) / 16 as often as it takes.
///
/// It grows from -1 to 1 on [-1, 1] (Cheon, Kim and Kim 2020), so the error is largest at the gap.
fn sign(need: &Need) -> Sign {
    let c = [0.0, 19.140_625, 0.0, -3.828_125, 0.0, 0.765_625, 0.0, -0.078_125];
    let stage = Polynomial::unit(c.iter().map(|c| c / 16.0).collect()).unwrap();
    let Need::Step { gap, error } = *need else { panic!("a table needs steps alone") };
    let (mut stages, mut at) = (Vec::new(), gap);
    while stages.is_empty() || 1.0 - at > error {
        at = stage.eval(at);
        stages.push(stage.clone());
    }
    Sign::new(stages).unwrap()
}

fn prepared(program: &Table) -> Prepared<Table> {
    let signs = program.needs().iter().map(sign).collect();
    // What signs may do is an eighth of a unit, and numbers round.
    let bounds = program.outputs().iter().map(|_| 0.126).collect();
    Prepared::new(program.clone(), signs, bounds, None).unwrap()
}

/// The answer of the clear reading.
fn clear(program: &Table, columns: &Vec<Vec<u64>>) -> Answer {
    let prepared = prepared(program);
    let inputs = program.pack(columns).unwrap();
    for (input, stated) in inputs.iter().zip(program.inputs()) {
        assert!(input.iter().all(|x| x.abs() <= stated.size * (1.0 + 1e-12)));
    }
    let ops = Clear::new(program.slots()).unwrap();
    let outputs = program.run(&ops, prepared.signs(), &inputs).unwrap();
    program.unpack(&prepared.round(&outputs).unwrap()).unwrap()
}

#[derive(Deserialize)]
struct Case {
    schema: Schema,
    columns: Vec<Vec<u64>>,
    sql: String,
    rows: Vec<Vec<Cell>>,
}

fn near(a: &[Vec<Cell>], b: &[Vec<Cell>]) -> bool {
    let same = |(a, b): (&Cell, &Cell)| match (*a, *b) {
        (Cell::Number(a), Cell::Number(b)) => (a - b).abs() <= 1e-12 * a.abs(),
        (a, b) => a == b,
    };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(same))
}

#[test]
fn sqlite_gives_the_same_answers() {
    let cases: Vec<Case> = serde_json::from_slice(include_bytes!("vectors/tables.json")).unwrap();
    let mut hidden = 0;
    for Case { schema, columns, sql, rows } in cases {
        for slots in [16, 256] {
            match Table::new(&sql, &schema, columns[0].len(), slots) {
                Ok(program) => {
                    let exact = program.exact(&columns);
                    assert!(near(&exact.rows, &rows), "{sql}: {:?}, and SQLite has {rows:?}", exact.rows);
                    let answer = clear(&program, &columns);
                    assert_eq!(answer, exact, "{sql} in {slots} slots");
                    hidden += 1;
                }
                Err(Error::Unsupported { part }) if part.contains("the same in every row") => {}
                Err(error) => panic!("{sql}: {error}"),
            }
        }
    }
    assert!(hidden > 700, "{hidden}");
}

fn employees() -> Schema {
    Schema::from_json(br#"{"emp": {"id": 8, "salary": 8, "work_hours": 8, "bonus": 8, "dept": 2}}"#).unwrap()
}

const QUERY: &str = "SELECT ID FROM emp WHERE salary * work_hours BETWEEN 5000 AND 6000 AND salary + bonus BETWEEN 300 AND 400";

fn queries() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just(QUERY),
        Just("SELECT id, salary - 2 * bonus AS less FROM emp WHERE NOT (salary < bonus OR dept IN (0, 3))"),
        Just(
            "SELECT dept, COUNT(*), SUM(salary * bonus), AVG(work_hours) FROM emp WHERE salary > 100 GROUP BY dept"
        ),
        Just("SELECT MIN(salary), MAX(bonus - salary), COUNT(*) FROM emp WHERE work_hours <> salary"),
        Just("SELECT dept, MAX(id) FROM emp WHERE dept > 0 GROUP BY dept"),
        Just("SELECT SUM(salary), SUM(3 - salary * work_hours * bonus) FROM emp"),
    ]
}

proptest! {
    /// Values at both ends of their ranges are common, and ties with them.
    #[test]
    fn rows_in_the_clear_are_the_oracle(
        sql in queries(),
        rows in proptest::collection::vec((any::<[u8; 4]>(), any::<[bool; 4]>(), 0u64..4), 1..70),
        log_slots in 7u32..9,
    ) {
        let column = |i: usize| rows.iter().map(|(v, extreme, _)| match extreme[i] {
            true => 255 * u64::from(v[i] & 1),
            false => v[i].into(),
        }).collect::<Vec<u64>>();
        let mut columns: Vec<Vec<u64>> = (0..4).map(column).collect();
        columns.push(rows.iter().map(|(_, _, dept)| *dept).collect());
        let program = Table::new(sql, &employees(), rows.len(), 1 << log_slots).unwrap();
        prop_assert_eq!(clear(&program, &columns), program.exact(&columns));
    }
}

#[test]
fn small_tables_decide_all_conditions_by_one_sign() {
    let program = Table::new(QUERY, &employees(), 512, 1 << 15).unwrap();
    let needs = program.needs();
    let &[Need::Step { gap, error }] = needs.as_slice() else { panic!("{needs:?}") };
    assert_eq!(gap, 0.5 / (255.0 * 255.0 - 5000.0 + 0.5));
    assert!(error > 1e-5 && error < 1e-3, "{error}");
    // A product of two columns beside a constant, and a third column.
    assert_eq!(program.inputs().len(), 3 + 1);
    assert_eq!(program.outputs().len(), 2);

    let large = Table::new(QUERY, &employees(), 1 << 14, 1 << 15).unwrap();
    assert_eq!(large.needs().len(), 2);
    let many = Table::new(QUERY, &employees(), 3 << 15, 1 << 15).unwrap();
    // Four columns in conditions and one that is selected; the mask and the selected values.
    assert_eq!((many.inputs().len(), many.outputs().len()), (3 * 5, 3 * 2));
    let slots: Vec<usize> = many.outputs().iter().map(|output| output.slots.len()).collect();
    assert_eq!(slots, [1 << 15; 6]);
}

#[test]
fn traces_count_what_is_done() {
    let program = Table::new(QUERY, &employees(), 512, 1 << 15).unwrap();
    let prepared = prepared(&program);
    let (trace, sign) = (prepared.trace().unwrap(), &prepared.signs()[0]);
    // A product before the sign, the other condition and the selected column after it.
    assert_eq!(trace.depth, 1 + sign.depth() + 2);
    let products: u64 = sign.stages().iter().map(|p| u64::from(p.plan().products)).sum();
    assert_eq!(trace.count(Op::Product), products + 1 + 3);
    // Three lanes come to the front, after the sign.
    assert_eq!(trace.rotations.keys().copied().collect::<Vec<_>>(), [512, 1024, 1536]);
    assert!(trace.rotations.values().all(|level| *level == 2));

    let program =
        Table::new("SELECT SUM(salary) FROM emp WHERE bonus > 7", &employees(), 1 << 15, 1 << 15).unwrap();
    let prepared = self::prepared(&program);
    let trace = prepared.trace().unwrap();
    assert_eq!(trace.depth, prepared.signs()[0].depth() + 2);
    // A sum and a count, each over all slots.
    assert_eq!(trace.count(Op::Rotate), 2 * 15);
}

#[test]
fn programs_come_back_from_their_bytes() {
    let program = Table::new(QUERY, &employees(), 100, 1 << 9).unwrap();
    let prepared = prepared(&program);
    let again = Prepared::<Table>::from_bytes(&prepared.to_bytes()).unwrap();
    assert_eq!(again, prepared);
    let text = String::from_utf8(prepared.to_bytes()).unwrap();
    for (from, to) in
        [("\"rows\":100", "\"rows\":0"), ("salary *", "salary /"), ("\"slots\":512", "\"slots\":511")]
    {
        assert!(text.contains(from));
        assert_eq!(
            Prepared::<Table>::from_bytes(text.replace(from, to).as_bytes()).unwrap_err(),
            Error::Prepared
        );
    }
}

/// What the error of a query says.
fn refusal(sql: &str) -> String {
    Table::new(sql, &employees(), 10, 64).unwrap_err().to_string()
}

#[test]
fn what_is_not_supported_is_named() {
    for (sql, part) in [
        ("SELECT id FROM emp WHERE", "cannot be read"),
        ("SELECT id FROM emp ORDER BY id", "ORDER BY"),
        ("SELECT id FROM emp LIMIT 3", "LIMIT"),
        ("SELECT DISTINCT id FROM emp", "DISTINCT"),
        ("SELECT dept FROM emp GROUP BY dept HAVING dept > 1", "HAVING"),
        ("SELECT id FROM emp FOR UPDATE", "FOR UPDATE"),
        ("SELECT id FROM emp, emp", "join"),
        ("SELECT id FROM emp JOIN emp ON id = id", "join"),
        ("SELECT id FROM emp AS e", "emp AS e"),
        ("SELECT id FROM (SELECT id FROM emp)", "in FROM"),
        ("SELECT id FROM emp UNION SELECT id FROM emp", "UNION"),
        ("DELETE FROM emp", "SELECT"),
        ("SELECT id FROM emp; SELECT id FROM emp", "one SELECT"),
        ("SELECT salary / 2 FROM emp", "division salary / 2"),
        ("SELECT id FROM emp WHERE salary % 2 = 0", "division salary % 2"),
        ("SELECT id FROM emp WHERE salary = 1.5", "1.5"),
        ("SELECT id FROM emp WHERE salary = 'x'", "'x'"),
        ("SELECT id FROM emp WHERE salary IS NULL", "salary IS NULL"),
        ("SELECT id FROM emp WHERE salary LIKE 3", "LIKE"),
        ("SELECT id FROM emp WHERE salary", "condition salary"),
        ("SELECT COUNT(DISTINCT id) FROM emp", "COUNT(DISTINCT id)"),
        ("SELECT MEDIAN(id) FROM emp", "MEDIAN(id)"),
        ("SELECT SUM(id) + 1 FROM emp", "SUM(id) inside"),
        ("SELECT SUM(id) OVER () FROM emp", "OVER"),
        ("SELECT id, COUNT(*) FROM emp", "id beside COUNT(*)"),
        ("SELECT id FROM emp GROUP BY dept", "id beside GROUP BY"),
        ("SELECT COUNT(*) FROM emp GROUP BY dept + 1", "GROUP BY dept + 1"),
        ("SELECT MAX(3) FROM emp WHERE id > 3", "MAX(3)"),
        ("SELECT name FROM emp", "no column name: the schema has id, salary"),
        ("SELECT id FROM staff", "no table staff: the schema has emp"),
        ("SELECT staff.id FROM emp", "staff.id"),
        (
            "SELECT id FROM emp WHERE salary * salary * salary * salary * salary > 3",
            "from 0 to 1078203909375",
        ),
        ("SELECT salary * 9007199254740993 FROM emp", "9007199254740993"),
        ("SELECT MAX(salary * work_hours) FROM emp", "from 0 to 65025"),
        ("SELECT COUNT(*) FROM emp GROUP BY salary, bonus", "65536 groups"),
    ] {
        let refusal = refusal(sql);
        assert!(refusal.contains(part), "{sql}: {refusal}");
    }
    let sql = format!("SELECT {}id FROM emp", "(".repeat(400));
    assert!(refusal(&sql).contains("cannot be read"));
}

/// Each is short, and took a stack, hours or all memory before anything was counted.
#[test]
fn queries_that_would_grow_without_end_are_refused() {
    for chain in ["+ 0", "- id * 1", "IS NULL", ":: INT", "AND id > 3", "|| id", "AT TIME ZONE id"] {
        let sql = |times| format!("SELECT id {} FROM emp", format!("{chain} ").repeat(times));
        // What is allowed has room on a small stack.
        let words = chain.split(' ').filter(|word| word.parse::<u64>().is_err()).count();
        let _ = Table::new(&sql(500 / words), &employees(), 10, 64);
        assert!(refusal(&sql(520)).contains("at most 512"), "{chain}");
    }
    let product = ["salary"; 8].join(" * ");
    let refusal = Table::new(&format!("SELECT SUM({product}) FROM emp"), &employees(), 4096, 4096);
    assert!(refusal.is_err());
    let wide = Schema::from_json(br#"{"t": {"a": 6, "k": 16}}"#).unwrap();
    let product = ["a"; 8].join(" * ");
    let parts = Table::new(&format!("SELECT SUM({product}) FROM t"), &wide, 300, 512).unwrap_err();
    assert_eq!(parts, Error::TooMany { what: "hidden vectors", have: 46_656, most: 8192 });
    let compared: Vec<String> = (0..90).map(|i| format!("a * {i} > k")).collect();
    let sql = format!("SELECT COUNT(*) FROM t WHERE {} GROUP BY k", compared.join(" AND "));
    assert!(Table::new(&sql, &wide, 300, 512).unwrap_err().to_string().contains("65536 groups"));
}

/// The query as it was published asks 8-bit columns for a sum that they never reach, which is no reason to compute less.
#[test]
fn conditions_that_no_row_meets_are_computed() {
    let columns = vec![vec![1, 2, 3], vec![255, 20, 0], vec![21, 255, 255], vec![255, 255, 0], vec![0, 1, 2]];
    let published = QUERY.replace("300 AND 400", "700 AND 800");
    let program = Table::new(&published, &employees(), 3, 1 << 10).unwrap();
    assert_eq!(program.needs(), Table::new(QUERY, &employees(), 3, 1 << 10).unwrap().needs());
    assert_eq!(clear(&program, &columns).rows, Vec::<Vec<Cell>>::new());
    for (sql, rows) in [
        ("SELECT id, SALARY FROM emp WHERE salary < 3 AND salary > 3", vec![]),
        (
            "SELECT COUNT(*), SUM(id), MAX(id) FROM emp WHERE salary < 3 AND salary > 3",
            vec![vec![Cell::Integer(0), Cell::Null, Cell::Null]],
        ),
        ("SELECT dept, COUNT(*) FROM emp WHERE salary > 300 GROUP BY dept", vec![]),
        ("SELECT COUNT(*) FROM emp", vec![vec![Cell::Integer(3)]]),
        (
            "SELECT id + 1 FROM emp WHERE salary >= 0",
            vec![vec![Cell::Integer(2)], vec![Cell::Integer(3)], vec![Cell::Integer(4)]],
        ),
    ] {
        let program = Table::new(sql, &employees(), 3, 64).unwrap();
        assert_eq!(clear(&program, &columns).rows, rows, "{sql}");
        assert_eq!(program.exact(&columns).rows, rows, "{sql}");
    }
}

#[test]
fn conditions_on_one_expression_are_joined_in_public() {
    let needs = |sql: &str| Table::new(sql, &employees(), 64, 64).unwrap().needs().len();
    // One lane: every step has its own vector, and steps of one expression share a sign.
    let steps = |sql: &str| {
        let program = Table::new(sql, &employees(), 64, 64).unwrap();
        let prepared = prepared(&program);
        let products: u64 = prepared.signs()[0].stages().iter().map(|p| u64::from(p.plan().products)).sum();
        prepared.trace().unwrap().count(Op::Product) / products
    };
    assert_eq!(needs("SELECT id FROM emp WHERE salary < bonus AND NOT bonus <= salary"), 1);
    assert_eq!(steps("SELECT id FROM emp WHERE salary < bonus AND NOT bonus <= salary"), 1);
    assert_eq!(steps("SELECT id FROM emp WHERE 2 * salary > 9 AND salary < 100"), 2);
    assert_eq!(steps("SELECT id FROM emp WHERE salary IN (0, 1, 2, 3) OR salary = 4"), 1);
    assert_eq!(steps("SELECT id FROM emp WHERE salary BETWEEN 3 AND 5 OR salary BETWEEN 6 AND 9"), 2);
}

#[test]
fn csv_is_checked() {
    let schema = Schema::from_json(br#"{"t": {"a": 3, "b": 1}}"#).unwrap();
    let table = schema.table("T").unwrap();
    assert_eq!(from_csv(b"b, A ,c\n1,7,x\n0, 2 ,y\n", table).unwrap(), [[7, 2], [1, 0]]);
    for (text, part) in [
        ("", "no column a"),
        ("a,b\n", "no rows"),
        ("a\n1\n", "no column b"),
        ("a,b,a\n1,1,1\n", "column a twice"),
        ("a,b\n1,0\n2\n", "line 3: the number of cells is 1, and that of the names above 2"),
        ("a,b\n8,0\n", "row 1, column a: \"8\" is not an integer from 0 to 7"),
        ("a,b\n1,0\nNaN,0\n", "row 2, column a: \"NaN\""),
        ("a,b\n1,\n", "column b: \"\""),
        ("a,b\n-1,0\n", "\"-1\""),
        ("a,b\n1.0,0\n", "\"1.0\""),
    ] {
        let refusal = from_csv(text.as_bytes(), table).unwrap_err().to_string();
        assert!(refusal.contains(part), "{text:?}: {refusal}");
    }
    assert!(from_csv(b"a,b\n\xff,0\n", table).unwrap_err().to_string().contains("UTF-8"));
}

#[test]
fn schemas_are_checked() {
    for (text, part) in [
        ("", "schema"),
        ("{}", "no table"),
        (r#"{"t": {}}"#, "no column"),
        (r#"{"t": {"a": 0}}"#, "0-bit integers"),
        (r#"{"t": {"a": 17}}"#, "1 to 16"),
        (r#"{"t": {"a": 3, "A": 3}}"#, "column a comes twice"),
        (r#"{"t": {"a": 3}, "t": {"a": 3}}"#, "table t comes twice"),
        (r#"{"t": {"a": "3"}}"#, "invalid type"),
    ] {
        let refusal = Schema::from_json(text.as_bytes()).unwrap_err().to_string();
        assert!(refusal.contains(part), "{text:?}: {refusal}");
    }
}

#[test]
fn data_that_do_not_fit_are_refused() {
    let program = Table::new("SELECT id FROM emp WHERE salary > 3", &employees(), 2, 64).unwrap();
    let refused = program.pack(&vec![vec![0, 0]; 4]).unwrap_err();
    assert_eq!(refused, Error::Columns { need: 5, have: 4 });
    assert_eq!(program.pack(&vec![vec![0]; 5]).unwrap_err(), Error::Size { have: 1, least: 2, most: 2 });
    let refused = program.pack(&vec![vec![0, 4]; 5]).unwrap_err();
    assert_eq!(refused, Error::Value { row: 2, column: 5, value: 4, most: 3 });
    for (rows, slots) in [(0, 64), ((1 << 20) + 1, 64), (3, 63), (3, 1 << 17)] {
        assert!(Table::new("SELECT id FROM emp WHERE id > 1", &employees(), rows, slots).is_err());
    }
}

#[test]
fn a_product_and_a_sum_between_bounds_are_known() {
    let schema = Schema::from_json(br#"{"t": {"id": 4, "a": 4, "b": 4, "c": 4}}"#).unwrap();
    let ranges = |filter: &str| {
        Table::new(&format!("SELECT id FROM t WHERE {filter}"), &schema, 5, 16).unwrap().ranges()
    };
    let found = ranges("b + c BETWEEN 4 AND 9 AND c * a BETWEEN 10 AND 50").unwrap();
    assert_eq!((found.value, found.columns), (0, [3, 1, 2]));
    assert_eq!((found.product, found.sum), ((10, 50), (4, 9)));
    for other in [
        "a * b BETWEEN 10 AND 50",
        "a * b BETWEEN 10 AND 50 OR a + c BETWEEN 4 AND 9",
        "a * b BETWEEN 10 AND 50 AND a - c BETWEEN 4 AND 9",
        "a * b BETWEEN 10 AND 50 AND a + 2 * c BETWEEN 4 AND 9",
        "a * b BETWEEN 10 AND 50 AND id + c BETWEEN 4 AND 9",
        "a * b NOT BETWEEN 10 AND 50 AND a + c BETWEEN 4 AND 9",
    ] {
        assert_eq!(ranges(other), None, "{other}");
    }
}
