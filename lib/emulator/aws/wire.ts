import type { IncomingHttpHeaders } from 'node:http'
import type { AwsError } from './errors.js'

/** The fields of a response, by their names in the AWS API, in AWS's order. */
export type Fields = { readonly [name: string]: unknown }

/** A request, decoded from its wire protocol. */
export interface WireRequest {
  readonly operation: string
  /** The version of the API; empty if the protocol has none. */
  readonly version: string
  readonly parameters: Readonly<Record<string, unknown>>
}

/** A response, encoded in a wire protocol. */
export interface WireResponse {
  readonly contentType: string
  readonly body: string
  /** For the header `x-amzn-errortype`. */
  readonly errorType?: string | undefined
}

/** One of AWS's wire protocols. */
export interface WireProtocol {
  readonly name: 'query' | 'json'
  read(headers: IncomingHttpHeaders, body: string): WireRequest
  success(request: WireRequest, fields: Fields, requestId: string): WireResponse
  failure(request: WireRequest, error: AwsError, requestId: string): WireResponse
}
