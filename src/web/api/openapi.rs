//! The API's description (OpenAPI 3.1), made from one table of operations and a file of shapes.

use axum::Json as Body;
use serde_json::{Map, Value, json};

/// One operation.
struct Operation {
    method: &'static str,
    path: &'static str,
    does: &'static str,
    /// What a token needs; empty when nothing is.
    scope: &'static str,
    /// The shape that is sent; empty for none.
    takes: &'static str,
    /// Status, and the shape that comes back; empty for none.
    gives: (u16, &'static str),
}

const fn operation(
    method: &'static str,
    path: &'static str,
    does: &'static str,
    scope: &'static str,
    takes: &'static str,
    gives: (u16, &'static str),
) -> Operation {
    Operation { method, path, does, scope, takes, gives }
}

const SHAPES: &str = include_str!("shapes.json");

/// Every operation, in the order of the routes.
const OPERATIONS: &[Operation] = &[
    operation("get", "/openapi.json", "This description", "", "", (200, "Any")),
    operation("post", "/setup", "Makes the first guardian; from the local network only", "", "SetUp", (201, "Session")),
    operation("get", "/session", "Who is signed in", "", "", (200, "Session")),
    operation("post", "/session", "Signs in", "", "SignIn", (200, "Session")),
    operation("delete", "/session", "Signs out", "session", "", (204, "")),
    operation("put", "/session/password", "Changes one's own password", "session", "Password", (204, "")),
    operation("post", "/session/totp", "A new secret for one-time codes, not yet in use", "session", "", (200, "Totp")),
    operation("put", "/session/totp", "Uses one-time codes from now on", "session", "TotpCode", (204, "")),
    operation("delete", "/session/totp", "Uses no one-time codes any more", "session", "", (204, "")),
    operation("get", "/accounts", "Who can sign in", "people", "", (200, "Account[]")),
    operation("post", "/accounts", "Makes an account", "people", "NewAccount", (201, "Made")),
    operation("delete", "/accounts/{id}", "Removes an account", "people", "", (204, "")),
    operation("get", "/tokens", "Tokens of programs", "people", "", (200, "Token[]")),
    operation("post", "/tokens", "Makes a token, whose text is told once", "people", "NewToken", (201, "Made")),
    operation("delete", "/tokens/{id}", "Removes a token", "people", "", (204, "")),
    operation("get", "/acts", "What was done at the controls", "read", "", (200, "Act[]")),
    operation("get", "/grants", "What is allowed for a while", "read", "", (200, "Grant[]")),
    operation("post", "/grants", "Allows something for a while", "moments", "NewGrant", (201, "Grant")),
    operation("delete", "/grants/{id}", "Takes a grant back", "moments", "", (204, "")),
    operation("get", "/pauses", "Pauses that hold", "read", "", (200, "Pause[]")),
    operation("post", "/pauses", "Pauses the house, a profile or a device", "moments", "NewPause", (201, "Pause")),
    operation("delete", "/pauses?who", "Ends a pause", "moments", "", (204, "")),
    operation("get", "/requests", "What children asked", "read", "", (200, "Request[]")),
    operation("post", "/requests/{id}/answer", "Answers a request", "moments", "NewAnswer", (204, "")),
    operation("get", "/codes/{profile}", "Codes to read out to a child that is away", "moments", "", (200, "Code[]")),
    operation("post", "/codes/{profile}", "Makes earlier codes worthless", "moments", "", (204, "")),
    operation("get", "/profiles", "Everybody's rules", "read", "", (200, "Profile[]")),
    operation("post", "/profiles", "Adds a profile", "policy", "Profile", (201, "Profile")),
    operation("get", "/profiles/{name}", "One profile's rules", "read", "", (200, "Profile")),
    operation("put", "/profiles/{name}", "Changes a profile's rules", "policy", "Profile", (200, "Profile")),
    operation("delete", "/profiles/{name}", "Removes a profile that no device needs", "policy", "", (204, "")),
    operation("get", "/profiles/{name}/activity", "What may be seen of a profile", "read", "", (200, "Visible")),
    operation("delete", "/profiles/{name}/activity", "Deletes it", "policy", "", (204, "")),
    operation("get", "/profiles/{name}/acts", "What was done about a profile", "read", "", (200, "Act[]")),
    operation("get", "/devices", "Whose device is whose", "read", "", (200, "Device[]")),
    operation("post", "/devices", "Adds a device", "policy", "Device", (201, "Device")),
    operation("put", "/devices/{position}", "Changes a device", "policy", "Device", (200, "Device")),
    operation("delete", "/devices/{position}", "Removes a device", "policy", "", (204, "")),
    operation("post", "/devices/assign", "Gives a device that was seen to a profile", "policy", "Assign", (204, "")),
    operation("get", "/seen", "Devices that were seen", "read", "", (200, "Seen[]")),
    operation("post", "/seen/known", "Takes the notice of a new device away", "moments", "Key", (204, "")),
    operation("get", "/calendars", "Named days", "read", "", (200, "Calendar[]")),
    operation("post", "/calendars", "Adds named days", "policy", "Calendar", (201, "Calendar")),
    operation("put", "/calendars/{name}", "Changes named days", "policy", "Calendar", (200, "Calendar")),
    operation("delete", "/calendars/{name}", "Removes named days", "policy", "", (204, "")),
    operation("get", "/lists", "Lists of the configuration", "read", "", (200, "List[]")),
    operation("post", "/lists", "Adds a list", "policy", "List", (201, "List")),
    operation("delete", "/lists/{name}", "Removes a list", "policy", "", (204, "")),
    operation("post", "/lists/update", "Has the lists fetched again", "policy", "", (202, "")),
    operation("get", "/settings", "Settings of the household", "read", "", (200, "Settings")),
    operation("put", "/settings", "Changes settings", "policy", "Settings", (200, "Settings")),
    operation("get", "/reports", "What anonymous reports tell, and would", "read", "", (200, "Reports")),
    operation("put", "/reports/consent", "A guardian agrees, or takes it back", "policy", "Agree", (204, "")),
    operation("get", "/reports/names", "Names the household adds to its reports", "read", "", (200, "OwnName[]")),
    operation("post", "/reports/names", "Adds one", "policy", "NewOwnName", (201, "OwnName")),
    operation("delete", "/reports/names/{name}", "Removes one", "policy", "", (204, "")),
    operation("get", "/status", "How things are", "read", "", (200, "Any")),
    operation("get", "/findings", "What would keep it from working", "read", "", (200, "Any")),
    operation("get", "/explain?name&profile&at", "The whole chain of a decision", "read", "", (200, "Any")),
    operation("get", "/events", "Server-sent events: that something changed", "read", "", (200, "")),
    operation("get", "/me", "The profile of this device", "", "", (200, "Me")),
    operation("get", "/me/recent", "What was just refused to this device", "", "", (200, "Stopped[]")),
    operation("get", "/me/requests", "This profile's requests", "", "", (200, "Request[]")),
    operation("post", "/me/requests", "Asks a guardian", "", "NewRequest", (201, "Asked")),
    operation("get", "/me/acts", "What was done about this profile", "", "", (200, "Act[]")),
    operation("get", "/me/activity", "What others may see of this profile", "", "", (200, "Visible")),
    operation("delete", "/me/activity", "Deletes it, from 16 on", "", "", (204, "")),
    operation("post", "/me/code", "Takes a guardian's code", "", "UseCode", (204, "")),
];

pub(super) async fn document() -> Body<Value> {
    Body(describe())
}

fn describe() -> Value {
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let (path, query) = operation.path.split_once('?').unwrap_or((operation.path, ""));
        let at = paths.entry(path.to_string()).or_insert_with(|| json!({}));
        at[operation.method] = describe_one(operation, path, query);
    }
    let shapes: Value = serde_json::from_str(SHAPES).unwrap_or_default();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lũy Tre",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Everything the dashboard does. Sign in with POST /session and send the cookie, and `x-csrf-token` with \
                            every change; or send `Authorization: Bearer TOKEN`.",
        },
        "servers": [{ "url": "/api/v1" }],
        "paths": paths,
        "components": {
            "schemas": shapes,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": crate::web::guard::COOKIE },
            },
        },
    })
}

fn describe_one(operation: &Operation, path: &str, query: &str) -> Value {
    let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).map(|name| {
        let number = matches!(name, "id" | "position");
        let schema = if number { json!({ "type": "integer" }) } else { json!({ "type": "string", "minLength": 1 }) };
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    });
    let in_query = query.split('&').filter(|name| !name.is_empty()).map(|name| {
        json!({ "name": name, "in": "query", "required": matches!(name, "who" | "name"), "schema": { "type": "string" } })
    });
    let (status, shape) = operation.gives;
    let mut answer = json!({ "description": "Done" });
    if !shape.is_empty() {
        answer["content"] = json!({ "application/json": { "schema": schema_of(shape) } });
    }
    let mut responses = json!({ status.to_string(): answer });
    let mut faults = vec![(400, "Malformed"), (403, "Forbidden"), (422, "Makes no sense")];
    faults.extend([
        (404, "There is no such thing"),
        (409, "Changed meanwhile"),
        (429, "Too many tries"),
        (401, "Sign in first"),
    ]);
    faults.extend([(413, "Too large"), (415, "Not JSON")]);
    for (code, what) in faults {
        responses[code.to_string()] =
            json!({ "description": what, "content": { "application/json": { "schema": schema_of("Trouble") } } });
    }
    let mut described = json!({
        "summary": operation.does,
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": responses,
    });
    if !operation.scope.is_empty() {
        described["description"] = format!("Needs `{}`.", operation.scope).into();
        described["security"] = json!([{ "token": [] }, { "session": [] }]);
    }
    if !operation.takes.is_empty() {
        described["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": schema_of(operation.takes) } },
        });
    }
    described
}

fn schema_of(shape: &str) -> Value {
    match shape.strip_suffix("[]") {
        Some(of) => json!({ "type": "array", "items": schema_of(of) }),
        None => json!({ "$ref": format!("#/components/schemas/{shape}") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_there_and_every_route_is_described() {
        let shapes: Value = serde_json::from_str(SHAPES).unwrap();
        for operation in OPERATIONS {
            for shape in [operation.takes, operation.gives.1].iter().filter(|shape| !shape.is_empty()) {
                let shape = shape.trim_end_matches("[]");
                assert!(shapes.get(shape).is_some(), "{} has no shape {shape}", operation.path);
            }
        }
        // The routes as they are written, beside the table.
        let routes = include_str!("mod.rs");
        let described: Vec<_> =
            OPERATIONS.iter().map(|one| (one.path.split('?').next().unwrap(), one.method)).collect();
        let mut found = 0;
        for line in routes.lines().filter(|line| line.trim_start().starts_with(".route(")) {
            let path = line.split('"').nth(1).unwrap();
            for method in ["get", "post", "put", "delete"] {
                let is_routed = line.contains(&format!(" {method}(")) || line.contains(&format!(").{method}("));
                assert_eq!(described.contains(&(path, method)), is_routed, "{method} {path}");
                found += usize::from(is_routed);
            }
        }
        assert_eq!(found, OPERATIONS.len());
    }
}
