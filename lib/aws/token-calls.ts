import type { GetIdentityCenterAuthTokenResponse as ProvisionedResponse } from '@aws-sdk/client-redshift'
import type { GetIdentityCenterAuthTokenResponse as ServerlessResponse } from '@aws-sdk/client-redshift-serverless'
import { RedshiftCredentialsError } from '../errors.js'
import type { FetchContext, FetchedLogin } from '../fetch-context.js'
import type { CredentialRequest } from '../request.js'
import { describeCall } from './call-description.js'
import type { AwsClients } from './client.js'
import { loadRedshiftToken, loadServerlessToken } from './load-sdk.js'
import { type RedshiftSdk, redshift } from './redshift-calls.js'
import { checkToken } from './response.js'
import { type RedshiftServerlessSdk, redshiftServerless } from './serverless-calls.js'

/**
 * Fetches a token for the person in identity-enhanced AWS credentials.
 * @see https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetIdentityCenterAuthToken.html
 * @see https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetIdentityCenterAuthToken.html
 */
export async function fetchIdentityCenterToken(
  clients: AwsClients,
  request: Extract<CredentialRequest, { api: 'GetIdentityCenterAuthToken' }>,
  context: FetchContext,
): Promise<FetchedLogin> {
  const call = describeCall(request)
  const { region, kind, name } = request
  if (kind === 'serverless') {
    // If the package is missing, the client reports that.
    const command = await loadServerlessToken().catch(() => undefined)
    const { output, ...times } = await clients.send<RedshiftServerlessSdk, ServerlessResponse>(
      redshiftServerless,
      region,
      call,
      () => {
        const Command = command?.GetIdentityCenterAuthTokenCommand
        if (!Command) throw tooOld('@aws-sdk/client-redshift-serverless', '3.1000.0')
        return new Command({ workgroupNames: [name] })
      },
      context,
    )
    return { ...checkToken(call, output.token, output.expirationTime), ...times }
  }
  const command = await loadRedshiftToken().catch(() => undefined)
  const { output, ...times } = await clients.send<RedshiftSdk, ProvisionedResponse>(
    redshift,
    region,
    call,
    () => {
      const Command = command?.GetIdentityCenterAuthTokenCommand
      if (!Command) throw tooOld('@aws-sdk/client-redshift', '3.936.0')
      return new Command({ ClusterIds: [name] })
    },
    context,
  )
  return { ...checkToken(call, output.Token, output.ExpirationTime), ...times }
}

const tooOld = (name: string, version: string): RedshiftCredentialsError =>
  new RedshiftCredentialsError(
    'ERR_REDSHIFT_UNSUPPORTED',
    `The installed ${name} has no GetIdentityCenterAuthToken. Update it to ${version} or newer.`,
  )
