import type { GetCredentialsResponse, GetWorkgroupResponse } from '@aws-sdk/client-redshift-serverless'
import type { FetchContext, FetchedLogin } from '../fetch-context.js'
import type { CredentialRequest } from '../request.js'
import { describeCall, describeLookUp } from './call-description.js'
import type { AwsClients } from './client.js'
import { loadRedshiftServerless } from './load-sdk.js'
import { checkEndpoint, checkLogin } from './response.js'
import type { Service } from './sdk-clients.js'

export type RedshiftServerlessSdk = Awaited<ReturnType<typeof loadRedshiftServerless>>

export const redshiftServerless: Service<RedshiftServerlessSdk> = {
  serviceId: 'Redshift Serverless',
  load: loadRedshiftServerless,
  create: (sdk, config) => new sdk.RedshiftServerlessClient(config),
}

/**
 * Fetches a login for a serverless workgroup.
 * @see https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetCredentials.html
 */
export async function fetchServerless(
  clients: AwsClients,
  request: Extract<CredentialRequest, { api: 'GetCredentials' }>,
  context: FetchContext,
): Promise<FetchedLogin> {
  const call = describeCall(request)
  const { output, serverTime, sentAt } = await clients.send<RedshiftServerlessSdk, GetCredentialsResponse>(
    redshiftServerless,
    request.region,
    call,
    sdk =>
      new sdk.GetCredentialsCommand({
        workgroupName: request.workgroupName,
        customDomainName: request.customDomainName,
        dbName: request.dbName,
        durationSeconds: request.durationSeconds,
      }),
    context,
  )
  return {
    ...checkLogin(call, {
      user: output.dbUser,
      password: output.dbPassword,
      expiration: output.expiration,
      nextRefreshTime: output.nextRefreshTime,
    }),
    serverTime,
    sentAt,
  }
}

/**
 * Looks up the address of a workgroup.
 * @see https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetWorkgroup.html
 */
export async function lookUpWorkgroup(
  clients: AwsClients,
  request: CredentialRequest,
  name: string,
  context: FetchContext,
) {
  const call = describeLookUp(request)
  const { output } = await clients.send<RedshiftServerlessSdk, GetWorkgroupResponse>(
    redshiftServerless,
    request.region,
    call,
    sdk => new sdk.GetWorkgroupCommand({ workgroupName: name }),
    context,
  )
  const endpoint = output.workgroup?.endpoint
  return checkEndpoint(call, endpoint?.address, endpoint?.port)
}
