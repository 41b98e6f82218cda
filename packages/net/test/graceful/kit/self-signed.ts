/**
 * A certificate of `localhost` that nothing trusts, made with
 * `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=localhost`.
 */
export const SELF_SIGNED = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg+XJOAfrteFScfPDQ
Fui8qsIt5s9XUArahp3sPbAYT6ehRANCAAQjlmya7SmmV0GOVl5zoTNWo1et4g22
8aqrgMBi4jGg9ycnZWyVE9jyCOF45WChgEiflkVBl//afdBhr6JH263H
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBljCCATugAwIBAgIUL8Uyu5VJyg3idR+H4iQP1PtWIx0wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTAyMDEzNFoYDzIxMjYxMDI4
MDIwMTM0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQjlmya7SmmV0GOVl5zoTNWo1et4g228aqrgMBi4jGg9ycnZWyVE9jy
COF45WChgEiflkVBl//afdBhr6JH263Ho2kwZzAdBgNVHQ4EFgQUMulY9AbQnBTl
syrwDALBS5tZJEQwHwYDVR0jBBgwFoAUMulY9AbQnBTlsyrwDALBS5tZJEQwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SQAwRgIhAP2Crrsab4CcwPS1M0z0dLexmIzWnmH72JlcYKvUfynjAiEA50XWiMwQ
tuuA8lpQA8QAJiRqcEajvLj5c2DxcMaOBXw=
-----END CERTIFICATE-----
`,
};
