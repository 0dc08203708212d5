//! Configuration as an operator writes it: defaults, precedence, and errors that name the key.

use std::collections::BTreeMap;

use holon_platform::config::{Config, ConfigError, CookieMode, DatabaseConfig, Sources, markdown};

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut env: BTreeMap<_, _> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    env.entry("HOLON_DATA_DIR".to_owned()).or_insert_with(|| "/nonexistent/holon".to_owned());
    env
}

fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_sources(&Sources::new(env(pairs))?)
}

#[test]
fn the_defaults_serve_this_machine_only() {
    let config = read(&[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.public_url.as_str(), "http://localhost:8080/");
    assert_eq!((config.cookie_mode(), config.cookie_name()), (CookieMode::Local, "holon_8080".to_owned()));
    assert!(matches!(config.database, DatabaseConfig::Embedded { bin_dir: None }));
    assert_eq!(config.root_key_file, config.data_dir.join("root.key"));
    assert_eq!(config.public_origins(), ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"]);
}

#[test]
fn a_public_address_that_was_not_set_has_the_port_that_was_free_and_one_that_was_set_stays() {
    let mut config = read(&[("HOLON_PORT", "0")]).unwrap();
    config.listens_at("127.0.0.1:41234".parse().unwrap());
    assert_eq!((config.public_base().as_str(), config.listen.port()), ("http://localhost:41234", 41234));
    assert!(config.public_origins().contains(&"http://127.0.0.1:41234".to_owned()));
    assert_eq!(config.cookie_name(), "holon_41234");
    for (pairs, base) in [
        (&[("HOLON_PORT", "0"), ("HOLON_PUBLIC_URL", "https://holon.example")][..], "https://holon.example"),
        (&[("HOLON_PORT", "9000")], "http://localhost:9000"),
    ] {
        let mut config = read(pairs).unwrap();
        config.listens_at("127.0.0.1:9000".parse().unwrap());
        assert_eq!(config.public_base(), base);
    }
}

#[test]
fn the_public_address_alone_decides_the_cookie() {
    for (url, plain, mode, name) in [
        ("https://holon.example", "", CookieMode::Host, "__Host-holon"),
        ("http://127.0.0.1:9000", "", CookieMode::Local, "holon_9000"),
        ("http://192.168.1.5:8080", "", CookieMode::Refused, "holon_8080"),
        ("http://192.168.1.5:8080", "true", CookieMode::PlainNetwork, "holon_8080"),
    ] {
        let config = read(&[("HOLON_PUBLIC_URL", url), ("HOLON_ALLOW_PLAIN_HTTP", plain)]).unwrap();
        assert_eq!((config.cookie_mode(), config.cookie_name().as_str()), (mode, name), "{url}");
    }
}

#[test]
fn every_bad_value_names_its_key() {
    for (key, value) in [
        ("HOLON_PORT", "80800"),
        ("HOLON_PORT", "http"),
        ("HOLON_BIND", "everywhere"),
        ("HOLON_PUBLIC_URL", "holon.example"),
        ("HOLON_PUBLIC_URL", "ftp://holon.example"),
        ("HOLON_PUBLIC_URL", "https://holon.example/sub"),
        ("HOLON_DATABASE_URL", "mysql://x"),
        ("HOLON_DATABASE_URL", "not an address"),
        ("HOLON_DATABASE_APP_URL", "http://x"),
        ("HOLON_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("HOLON_TRUSTED_PROXIES", "proxy.local"),
        ("HOLON_LOG_FORMAT", "xml"),
        ("HOLON_EGRESS_ALLOW_LOOPBACK", "maybe"),
        ("HOLON_ALLOW_PLAIN_HTTP", "2"),
    ] {
        let text = read(&[(key, value)]).unwrap_err().to_string();
        assert!(text.starts_with(key), "{key}={value}: {text}");
    }
}

#[test]
fn an_error_about_a_database_address_does_not_repeat_its_password() {
    let text = read(&[("HOLON_DATABASE_URL", "mysql://u:s3cret@h/d")]).unwrap_err().to_string();
    assert!(!text.contains("s3cret"), "{text}");
}

#[test]
fn four_database_addresses_or_none() {
    let text = read(&[("HOLON_DATABASE_OWNER_URL", "postgres://a/b")]).unwrap_err().to_string();
    assert!(text.starts_with("HOLON_DATABASE_APP_URL"), "{text}");
    let text = read(&[("HOLON_DATABASE_URL", "postgres://a/b"), ("HOLON_DATABASE_APP_URL", "postgres://a/b")]);
    assert!(text.unwrap_err().to_string().starts_with("HOLON_DATABASE_URL"));
}

#[test]
fn the_file_is_read_the_environment_wins_and_unknown_keys_are_refused_with_a_hint() {
    let dir = std::env::temp_dir().join(format!("holon-config-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("holon.toml");
    let data_dir = dir.to_str().unwrap();
    std::fs::write(&file, "port = 9000\nbind = \"0.0.0.0\"\ntrusted_proxies = [\"10.0.0.1\", \"fd00::/8\"]\n").unwrap();
    let config = read(&[("HOLON_DATA_DIR", data_dir), ("HOLON_PORT", "9001")]).unwrap();
    assert_eq!(config.listen.to_string(), "0.0.0.0:9001");
    assert!(config.trusted_proxies[0].contains("::ffff:10.0.0.1".parse().unwrap()));
    assert!(config.trusted_proxies[1].contains("fd12::1".parse().unwrap()));
    assert!(!config.trusted_proxies[1].contains("10.0.0.1".parse().unwrap()));

    for (text, expected) in [
        ("prot = 1", "did you mean `"),
        ("port = [1]", "HOLON_PORT"),
        ("port = \"x\"", "HOLON_PORT"),
        ("port", "not valid TOML"),
    ] {
        std::fs::write(&file, text).unwrap();
        let error = read(&[("HOLON_DATA_DIR", data_dir)]).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("holon.toml"), "{text}: {error}");
    }
    std::fs::remove_dir_all(&dir).unwrap();
    let error = read(&[("HOLON_CONFIG", "/nonexistent/x.toml")]).unwrap_err().to_string();
    assert!(error.starts_with("HOLON_CONFIG"), "{error}");
}

#[test]
fn the_page_of_configuration_is_the_table_of_keys() {
    let path = "../../docs/configuration.md";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, markdown()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), markdown(), "run this test with UPDATE_DOCS=1");
}
