import type { AwsClients } from './aws/client.js'
import { fetchProvisioned } from './aws/redshift-calls.js'
import { fetchServerless } from './aws/serverless-calls.js'
import { fetchIdentityCenterToken } from './aws/token-calls.js'
import type { Clock } from './clock.js'
import type { Fetch } from './fetch-context.js'
import { type IdentityProvider, TOKEN_API } from './identity-provider.js'
import { fetchProvidedToken } from './provider-token.js'

/** Returns the function that fetches logins and tokens, from AWS or from the application. */
export const fetchFrom =
  (clients: AwsClients, clock: Clock, provider: IdentityProvider | undefined): Fetch =>
  (request, context) => {
    if (provider) return fetchProvidedToken(provider, context.signal, clock)
    switch (request.api) {
      case 'GetCredentials':
        return fetchServerless(clients, request, context)
      case TOKEN_API:
        return fetchIdentityCenterToken(clients, request, context)
      case 'identityProvider':
        return Promise.reject(new TypeError('There is no identity provider.'))
      default:
        return fetchProvisioned(clients, request, context)
    }
  }
