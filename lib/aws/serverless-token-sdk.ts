// By name, so that bundlers keep nothing else of the SDK. Undefined in Node.js where the installed SDK lacks it.
export { GetIdentityCenterAuthTokenCommand } from '@aws-sdk/client-redshift-serverless'
