// Shows the cases that have every word that was typed, and the verdict and family that were chosen.
const cases = [...document.querySelectorAll("details.case")].map((element) => [element, element.textContent.toLowerCase()]);
const [search, verdict, family, count] = ["search", "verdict", "family", "count"].map((id) => document.getElementById(id));
const show = () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const [element, text] of cases) {
    const meant = words.every((word) => text.includes(word))
      && (!verdict.value || element.dataset.verdict === verdict.value)
      && (!family.value || element.dataset.family === family.value);
    element.hidden = !meant;
    shown += meant;
  }
  count.textContent = `${shown} cases`;
};
for (const control of [search, verdict, family]) control.addEventListener("input", show);
