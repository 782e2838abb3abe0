# Lists the targets of the Makefile by what a person wants. A target says which with `## group: what it does`.
BEGIN {
  FS = ":.*## "
  count = split("see use load change sure keep more", order, " ")
  titles["see"] = "See it work, without an account"
  titles["use"] = "Use it"
  titles["load"] = "Load a warehouse from emulated accounts"
  titles["change"] = "Change it"
  titles["sure"] = "Be sure of it (long runs)"
  titles["keep"] = "Keep it in order"
  titles["more"] = "More"
}
/^[a-zA-Z%-]+:.*## / {
  name = $1
  sub("%", "NAME", name)
  group = "more"
  text = $2
  if (match(text, /^[a-z]+: /) && substr(text, 1, RLENGTH - 2) in titles) {
    group = substr(text, 1, RLENGTH - 2)
    text = substr(text, RLENGTH + 1)
  }
  lines[group] = lines[group] sprintf("  make %-18s %s\n", name, text)
}
END {
  for (place = 1; place <= count; place++)
    if (order[place] in lines) printf "%s\n%s\n", titles[order[place]], lines[order[place]]
}
