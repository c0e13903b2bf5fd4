//! The OpenAPI document. A copy is committed as docs/openapi.json: whatever changes it changes the API.

use super::problem::Problem;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, OpenApi, Ref, RefOr, ResponseBuilder, SecurityRequirement,
};
use utoipa::{PartialSchema, ToSchema};

/// The name of the one way to say who asks.
const TOKEN: &str = "token";

const DESCRIPTION: &str = "\
What an output explorer knows: the public outputs of every user of an exchange, through reorganisations; handoffs to the \
isolated signer; signed transactions on their way; and everything that happens, as events.

Amounts are whole micro-STG (1 STG is 1000000), with the same digits as text, and in STG to be read. Times are UTC \
(RFC 3339). Errors are problem details (RFC 9457) whose `code` stays what it is. Answers carry an ETag and \
`x-request-id`.";

/// Completes the document that was gathered from the routes.
pub(super) fn complete(mut api: OpenApi) -> OpenApi {
    api.info = InfoBuilder::new()
        .title("output-explorer")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(utoipa::openapi::LicenseBuilder::new().name("MIT OR Apache-2.0").build()))
        .build();
    let components = api.components.get_or_insert_with(Components::default);
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.add_security_scheme(TOKEN, bearer);
    api.security = Some(vec![SecurityRequirement::new(TOKEN, Vec::<String>::new())]);
    for item in api.paths.paths.values_mut() {
        for operation in operations(item) {
            let problem = ContentBuilder::new()
                .schema(Some(RefOr::Ref(Ref::from_schema_name(Problem::name()))))
                .build();
            let response = ResponseBuilder::new()
                .description("any other status: what is wrong")
                .content("application/problem+json", problem)
                .build();
            operation.responses.responses.insert("default".to_owned(), RefOr::T(response));
        }
    }
    api
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use crate::http::document;
    use std::collections::BTreeSet;

    #[test]
    fn the_committed_document_is_the_one_that_is_served() {
        let committed = include_str!("../../../docs/openapi.json");
        let told = "docs/openapi.json is not what the server says. Where the change is meant: \
            cargo run -p output-explorer -- openapi > docs/openapi.json";
        assert!(committed == document() + "\n", "{told}");
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_says_what_it_does() {
        let api: serde_json::Value = serde_json::from_str(&document()).unwrap();
        let mut names = BTreeSet::new();
        for (path, item) in api["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{name}");
                assert!(operation["summary"].is_string(), "{method} {path}");
            }
        }
        assert!(names.len() > 25, "{names:?}");
    }
}
