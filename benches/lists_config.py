#!/usr/bin/env python3
"""Writes a configuration with every list of a folder, to measure `luytre lists compile` with.

    benches/lists_config.py FOLDER > all.toml
    target/release/luytre -c all.toml lists compile -o all.bundle

FOLDER holds INDEX.tsv with the columns path, category and format (and others), and the lists at those paths.
"""
import csv
import os
import sys

CATEGORY = {
    "adult": "porn", "gambling": "gambling", "drugs": "drugs", "violence": "gore_violence", "dating": "dating",
    "phishing": "phishing_scam", "malware": "malware", "bypass": "bypass", "ads-vn": "ads_tracker",
    "fakenews": "hate_extremism", "social": "social_network", "social/games": "gaming", "mixed": "ads_tracker",
    "other": "ads_tracker",
    "ut1:adult": "porn", "ut1:mixed_adult": "suggestive", "ut1:lingerie": "suggestive", "ut1:agressif": "hate_extremism",
    "ut1:ai": "ai_general", "ut1:arjel": "gambling", "ut1:gambling": "gambling", "ut1:audio-video": "video_ugc",
    "ut1:bitcoin": "speculation", "ut1:blog": "forum_ugc", "ut1:chat": "messaging", "ut1:cryptojacking": "malware",
    "ut1:dangerous_material": "weapons", "ut1:dating": "dating", "ut1:ddos": "malware", "ut1:dialer": "malware",
    "ut1:doh": "bypass", "ut1:download": "download_store", "ut1:drogue": "drugs", "ut1:dynamic-dns": "bypass",
    "ut1:fakenews": "hate_extremism", "ut1:filehosting": "download_store", "ut1:forums": "forum_ugc",
    "ut1:games": "gaming", "ut1:hacking": "malware", "ut1:malware": "malware", "ut1:manga": "suggestive",
    "ut1:marketingware": "ads_tracker", "ut1:phishing": "phishing_scam", "ut1:publicite": "ads_tracker",
    "ut1:redirector": "bypass", "ut1:remote-control": "bypass", "ut1:residential-proxies": "bypass",
    "ut1:sect": "hate_extremism", "ut1:shortener": "bypass", "ut1:social_networks": "social_network",
    "ut1:stalkerware": "stalkerware", "ut1:vpn": "bypass", "ut1:warez": "piracy",
    "ut1:sexual_education": "health_sexed", "ut1:child": "education_kids", "ut1:educational_games": "education_kids",
}
FORMAT = {"ut1": "ut1-domains", "v2fly-dlc": "dlc"}
KNOWN = {"hosts", "domains", "wildcard", "adblock", "dnsmasq", "rpz", "unbound", "urls", "ips", "ut1-domains", "ut1-urls", "dlc"}


def main():
    folder = os.path.abspath(sys.argv[1])
    print('version = 1\nstate_dir = "none"\n[dns]\nlisten = ["127.0.0.1:5300"]')
    print('[dns.upstream]\nservers = ["127.0.0.1"]\n[[profile]]\nname = "child"\nband = "10-12"\n[defaults]\nprofile = "child"')
    with open(os.path.join(folder, "INDEX.tsv"), encoding="utf-8") as index:
        for row in csv.DictReader(index, delimiter="\t"):
            path, form = row["path"], FORMAT.get(row["format"], row["format"])
            if path.startswith("lists/ut1/") and form == "urls":
                form = "ut1-urls"
            if os.path.basename(path).startswith(("LICENSE", "README")):
                continue
            if not path.startswith("lists/") or form not in KNOWN or row["category"] not in CATEGORY:
                continue
            print(f'[[list]]\nname = "{path[6:]}"\nsource = "file:{folder}/{path}"\nformat = "{form}"')
            print(f'plain = "suffix"\ncategories = ["{CATEGORY[row["category"]]}"]')


main()
