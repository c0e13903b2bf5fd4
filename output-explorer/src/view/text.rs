//! How the texts of the protocol look in the OpenAPI document. Fields name these types for their description only.

use utoipa::ToSchema;

/// The id of an output, a transaction or a block: 32 bytes in hex.
#[derive(ToSchema)]
#[schema(pattern = "^[0-9a-f]{64}$")]
pub struct HashText(#[expect(dead_code, reason = "it is described, never made")] String);

/// An address: bech32 with the network's prefix.
#[derive(ToSchema)]
#[schema(pattern = "^[a-z]{1,10}1[02-9ac-hj-np-z]{6,100}$")]
pub struct AddressText(#[expect(dead_code, reason = "it is described, never made")] String);

/// A time in UTC (RFC 3339).
#[derive(ToSchema)]
#[schema(format = DateTime)]
pub struct TimeText(#[expect(dead_code, reason = "it is described, never made")] String);
