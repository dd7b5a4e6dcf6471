import type { IncomingHttpHeaders } from 'node:http'
import type { AwsError } from './errors.js'

/** What an answer consists of, under AWS's names, in their order. */
export type Fields = { readonly [name: string]: unknown }

/** A request as its wire protocol says it. */
export interface AwsRequest {
  readonly operation: string
  /** The API's version; empty where the protocol has none. */
  readonly version: string
  readonly parameters: Readonly<Record<string, unknown>>
}

/** An answer, ready to send. */
export interface Answer {
  readonly contentType: string
  readonly body: string
  /** For the header `x-amzn-errortype`. */
  readonly errorType?: string
}

/** One of AWS's wire protocols. */
export interface WireProtocol {
  readonly name: 'query' | 'json'
  read(headers: IncomingHttpHeaders, body: string): AwsRequest
  success(request: AwsRequest, fields: Fields, requestId: string): Answer
  failure(request: AwsRequest, error: AwsError, requestId: string): Answer
}
