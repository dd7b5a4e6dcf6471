/** One error in AWS's two protocols, which differ in its code and status. */
interface ErrorNames {
  readonly query: { readonly code: string; readonly status: number }
  readonly json: { readonly code: string; readonly status: number }
}

const names = {
  accessDenied: both('AccessDenied', 403, 'AccessDeniedException', 400),
  domainNotFound: both('CustomDomainAssociationNotFoundFault', 404, 'ResourceNotFoundException', 400),
  expiredToken: both('ExpiredToken', 403, 'ExpiredTokenException', 400),
  internalFailure: both('InternalFailure', 500, 'InternalServerException', 500),
  invalidDuration: both('InvalidParameterValue', 400, 'ValidationException', 400),
  invalidToken: both('InvalidClientTokenId', 403, 'UnrecognizedClientException', 400),
  missingToken: both('MissingAuthenticationToken', 403, 'MissingAuthenticationTokenException', 400),
  notFound: both('ClusterNotFound', 404, 'ResourceNotFoundException', 400),
  signatureMismatch: both('SignatureDoesNotMatch', 403, 'InvalidSignatureException', 400),
  throttling: both('Throttling', 400, 'ThrottlingException', 400),
  unknownOperation: both('InvalidAction', 400, 'UnknownOperationException', 400),
  unsupported: both('UnsupportedOperation', 400, 'UnsupportedOperationException', 400),
  validation: both('ValidationError', 400, 'ValidationException', 400),
} satisfies Record<string, ErrorNames>

export type AwsErrorKind = keyof typeof names

/** An error response of the emulated AWS. */
export class AwsError extends Error {
  readonly kind: AwsErrorKind
  readonly retryAfterSeconds: number | undefined

  constructor(kind: AwsErrorKind, message: string, retryAfterSeconds?: number) {
    super(message)
    this.kind = kind
    this.retryAfterSeconds = retryAfterSeconds
  }

  in(protocol: 'query' | 'json'): { readonly code: string; readonly status: number } {
    return names[this.kind][protocol]
  }
}

function both(queryCode: string, queryStatus: number, jsonCode: string, jsonStatus: number): ErrorNames {
  return { query: { code: queryCode, status: queryStatus }, json: { code: jsonCode, status: jsonStatus } }
}
