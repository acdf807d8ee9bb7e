//! The description of the API (`OpenAPI` 3.1), made from the handlers.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, SecurityRequirement};

use crate::{auth, origin, routes, runtime_api};

/// The description as JSON, as `/openapi.json` gives it.
pub fn document() -> String {
    written(&routes::description())
}

/// With a line break at the end, as files have it.
pub(crate) fn written(description: &OpenApi) -> String {
    let text = description.to_pretty_json();
    format!("{}\n", text.unwrap_or_else(|_| unreachable!("the description is JSON")))
}

/// With what stands in no handler.
pub(crate) fn finished(mut description: OpenApi) -> OpenApi {
    let license = LicenseBuilder::new().name("MIT OR Apache-2.0").build();
    description.info = InfoBuilder::new()
        .title("BLOOM Runtime")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Flows, their runs, and what people decide on."))
        .license(Some(license))
        .build();
    let mut components = description.components.take().unwrap_or_default();
    components.schemas.extend(routes::error_schemas());
    let key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(auth::KEY)));
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    components.security_schemes.insert(String::from("key"), key.into());
    components.security_schemes.insert(String::from("bearer"), bearer.into());
    let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(origin::COOKIE)));
    components.security_schemes.insert(String::from("session"), cookie.into());
    description.components = Some(components);
    runtime_api::describe(&mut description);
    let of = |name: &str| SecurityRequirement::new::<_, [&str; 0], &str>(name, []);
    description.security = Some(vec![of("key"), of("bearer"), of("session"), SecurityRequirement::default()]);
    description
}
