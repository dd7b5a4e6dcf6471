import * as sdk from '@aws-sdk/client-redshift-serverless'

// Older releases lack it. A bundler refuses an import by name of what is not there, but not this.
export const GetIdentityCenterAuthTokenCommand =
  'GetIdentityCenterAuthTokenCommand' in sdk ? sdk.GetIdentityCenterAuthTokenCommand : undefined
