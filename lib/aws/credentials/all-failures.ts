import type { CredentialFailure } from './failure.js'
import { LOCAL_FAILURES } from './local-failures.js'
import { SIGN_IN_FAILURES } from './sign-in-failures.js'
import { STS_FAILURES } from './sts-failures.js'

/** The known failures of all sources of AWS credentials. The first row that matches applies. */
export const CREDENTIAL_FAILURES: readonly CredentialFailure[] = [
  ...STS_FAILURES,
  ...SIGN_IN_FAILURES,
  ...LOCAL_FAILURES,
]
