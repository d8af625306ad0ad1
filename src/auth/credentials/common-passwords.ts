/** Of the passwords that are guessed first, those that are long enough to be set; in lower case. */
export const commonPasswords: ReadonlySet<string> = new Set(
  `
  00000000 000000000 0123456789 0987654321 11111111 111111111 1111111111 11223344 12121212 123123123 1234512345 12344321
  12345678 123456789 1234567890 12345678910 123456789a 123456789q 123456abc 12345qwert 1234qwer 123qweasd 147258369
  159357456 1a2b3c4d 1passwort 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qazxsw2 22222222 33333333 44444444 55555555 66666666 77777777
  87654321 88888888 987654321 9876543210 99999999 a1234567 a12345678 a123456789 aa123456 aaaaaaaa abc12345 abc123456
  abcd1234 abcdefgh access14 adminadmin admin123 admin1234 admin12345 administrator alexander asdf1234 asdfasdf asdfghjk
  asdfghjkl asdfghjkl; azertyuiop barcelona baseball basketball beautiful benjamin blink182 butterfly carolina changeit
  changeme changeme1 changeme123 charlie1 chocolate christian computer corvette danielle default1 defaultpassword dragon123
  docker123 dockerdocker einstein elephant entrepot entrepot123 estrella fernando firebird football football1 gitlab123
  gitlabgitlab hello123 helloworld iloveyou iloveyou1 iloveyou2 internet jennifer jordan23 letmein1 letmein123 liverpool
  liverpool1 lovelove maverick mercedes metallic michael1 michelle midnight monkey123 mustang1 nicholas nintendo
  p@ssw0rd p@ssword pa55word pa55w0rd pass1234 passpass passw0rd password password! password0 password01 password1
  password1! password12 password123 password1234 password2 passwort patricia pokemon1 princess princess1 q1w2e3r4
  q1w2e3r4t5 qazwsxedc qwaszx12 qwer1234 qwerasdf qwerqwer qwerty12 qwerty123 qwerty1234 qwerty12345 qwertyui qwertyuiop
  qwertzuiop registry registry123 rootroot root1234 samantha sample123 scorpion secret123 secretsecret september slipknot
  snowball spiderman starwars steelers sunshine sunshine1 superman superman1 superstar temppass test1234 test12345 testtest
  testtest1 tinkerbell trustno1 undertaker unknown1 user1234 veronica victoria welcome1 welcome01 welcome123 whatever
  william1 wolverine xxxxxxxx zaq12wsx zaq1zaq1 zxcvbnm1 zxcvbnm123 zxcvbnm,
  `
    .trim()
    .split(/\s+/),
);
