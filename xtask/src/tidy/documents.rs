//! Does each document have its one title, each scenario its goal, and each Go file its question?

use super::Finding;

/// A Markdown file is one page, so it has one title.
pub(super) fn check_markdown(path: &str, text: &str) -> Vec<Finding> {
    let mut is_code = false;
    let mut titles = 0;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code && line.starts_with("# ") {
            titles += 1;
        }
    }
    if titles == 1 {
        return Vec::new();
    }
    vec![Finding::in_file(path, format!("has {titles} `# ` titles, not one"))]
}

/// A scenario says first what it is there to show.
pub(super) fn check_scenario(path: &str, text: &str) -> Vec<Finding> {
    let goal = text.lines().next().and_then(|line| line.strip_prefix("goal:"));
    if path.ends_with(".md") || goal.is_some_and(|goal| !goal.trim().is_empty()) {
        return Vec::new();
    }
    vec![Finding::at(path, 0, "begin with `goal:` and what the scenario shows")]
}

/// A Go file says first which question it answers, as Rust files do.
pub(super) fn check_go(path: &str, text: &str) -> Vec<Finding> {
    let question = text.lines().next().and_then(|line| line.strip_prefix("// "));
    if question.is_some_and(|question| question.ends_with('?')) {
        return Vec::new();
    }
    vec![Finding::at(path, 0, "begin with `//` and the question that the file answers")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_one_title() {
        let none = check_markdown("a.md", "## Section\n");
        assert_eq!(none, [Finding::in_file("a.md", "has 0 `# ` titles, not one")]);
        let two = check_markdown("a.md", "# One\n# Two\n");
        assert_eq!(two, [Finding::in_file("a.md", "has 2 `# ` titles, not one")]);
        assert_eq!(check_markdown("a.md", "# One\n```sh\n# a comment\n```\n## Section\n"), []);
    }

    #[test]
    fn a_go_file_begins_with_its_question() {
        let missing =
            [Finding::at("a.go", 0, "begin with `//` and the question that the file answers")];
        assert_eq!(check_go("a.go", "package main\n"), missing);
        assert_eq!(check_go("a.go", "// It answers nothing.\n"), missing);
        assert_eq!(check_go("a.go", "// What is it?\n\npackage main\n"), []);
    }

    #[test]
    fn a_scenario_has_a_goal() {
        let missing =
            [Finding::at("scenarios/a", 0, "begin with `goal:` and what the scenario shows")];
        assert_eq!(check_scenario("scenarios/a", "-- cluster --\ngoal: late\n"), missing);
        assert_eq!(check_scenario("scenarios/a", "goal: \n"), missing);
        assert_eq!(check_scenario("scenarios/a", "goal: hairpins are masqueraded\n"), []);
        assert_eq!(check_scenario("scenarios/README.md", "# Scenarios\n"), []);
    }
}
