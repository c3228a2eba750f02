use super::*;

#[test]
fn the_last_at_sign_parts_the_login_from_the_target() {
    let is_target = |name: &str| name == "web1";
    for (typed, shown) in [
        ("web1", Route::Target { name: "web1".into(), login: None }),
        ("root@web1", Route::Target { name: "web1".into(), login: Some("root".into()) }),
        ("root@web2@web1", Route::Target { name: "web1".into(), login: Some("root@web2".into()) }),
        ("root@web1@web2", Route::Target { name: "web2".into(), login: Some("root@web1".into()) }),
        ("@web1", Route::Target { name: "web1".into(), login: Some(String::new()) }),
        ("web1@", Route::Target { name: String::new(), login: Some("web1".into()) }),
        ("alice", Route::Bastion("alice".into())),
        ("WEB1", Route::Bastion("WEB1".into())),
        ("web1 ", Route::Bastion("web1 ".into())),
        ("", Route::Bastion(String::new())),
    ] {
        assert_eq!(Route::parse(typed, is_target), shown, "{typed:?}");
    }
}

#[test]
fn inside_a_tunnel_the_name_is_a_login_and_may_not_name_another_target() {
    let is_target = |name: &str| matches!(name, "web1" | "web2");
    let login = |typed: &str| match Route::inside(typed, "web1", is_target)? {
        Route::Target { name, login } => {
            assert_eq!(name, "web1");
            login
        }
        other => panic!("{other:?}"),
    };
    for (typed, meant) in [
        ("root", Some("root")),
        ("root@web1", Some("root")),
        ("jo@corp", Some("jo@corp")),
        ("jo@corp@web1", Some("jo@corp")),
        ("web2", Some("web2")),
        ("", Some("")),
        ("root@web2", None),
        ("root@web1@web2", None),
    ] {
        assert_eq!(login(typed).as_deref(), meant, "{typed}");
    }
}
