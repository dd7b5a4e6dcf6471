import type { AwsClientConfig } from '../../options.js'

/** The name of a property that marks a default provider as the SDK's own chain, whose sources are known. The command line sets it. */
export const IS_SDK_CHAIN = Symbol.for('pg-redshift-iam.isSdkChain')

/** Whether the AWS credentials come from a provider or keys of the program. Like the SDK, it ignores null and undefined. */
export function hasOwnProvider(config: AwsClientConfig | undefined): boolean {
  const provider = config?.credentialDefaultProvider
  return Boolean(config?.credentials || (provider && !(IS_SDK_CHAIN in provider)))
}
