//! What somebody may ask for.

use super::view::TargetView;
use super::{Actor, App};

/// The targets that the actor may ask for, each with the roles that some rule gives; for the operator, all.
#[must_use]
pub fn targets(app: &App, actor: &Actor) -> Vec<TargetView> {
    let rules = app.rules();
    let roles = |target| match actor.person() {
        Some(person) => rules.roles_for(person, target).into_iter().map(str::to_owned).collect::<Vec<_>>(),
        None => {
            let named = rules.rules.iter().filter(|rule| rule.names(target)).flat_map(|rule| &rule.roles);
            let mut roles: Vec<String> = named.cloned().collect();
            roles.sort();
            roles.dedup();
            roles
        }
    };
    let all = rules.targets.values().map(|target| TargetView {
        name: target.name.clone(),
        protocol: target.protocol.to_string(),
        labels: target.labels.clone(),
        roles: roles(target),
    });
    all.filter(|view| actor.person().is_none() || !view.roles.is_empty()).collect()
}
