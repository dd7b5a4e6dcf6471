import type { GetIdentityCenterAuthTokenResponse as ProvisionedResponse } from '@aws-sdk/client-redshift'
import type { GetIdentityCenterAuthTokenResponse as ServerlessResponse } from '@aws-sdk/client-redshift-serverless'
import type { FetchedLogin, FetchNotes } from '../login.js'
import type { CredentialRequest } from '../request.js'
import { checkToken } from './answer.js'
import { describeCall } from './call.js'
import type { AwsClients } from './client.js'
import { type RedshiftSdk, redshift } from './provisioned.js'
import { type RedshiftServerlessSdk, redshiftServerless } from './serverless.js'

/**
 * Fetches a token for the person in identity-enhanced AWS credentials.
 * @see https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetIdentityCenterAuthToken.html
 * @see https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetIdentityCenterAuthToken.html
 */
export async function fetchIdentityCenterToken(
  clients: AwsClients,
  request: Extract<CredentialRequest, { api: 'GetIdentityCenterAuthToken' }>,
  signal: AbortSignal,
  notes: FetchNotes,
): Promise<FetchedLogin> {
  const call = describeCall(request)
  const { region, kind, name } = request
  if (kind === 'serverless') {
    const { output, ...times } = await clients.send<RedshiftServerlessSdk, ServerlessResponse>(
      redshiftServerless,
      region,
      call,
      sdk => new sdk.GetIdentityCenterAuthTokenCommand({ workgroupNames: [name] }),
      signal,
      notes,
    )
    return { ...checkToken(call, output.token, output.expirationTime), ...times }
  }
  const { output, ...times } = await clients.send<RedshiftSdk, ProvisionedResponse>(
    redshift,
    region,
    call,
    sdk => new sdk.GetIdentityCenterAuthTokenCommand({ ClusterIds: [name] }),
    signal,
    notes,
  )
  return { ...checkToken(call, output.Token, output.ExpirationTime), ...times }
}
